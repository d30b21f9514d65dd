internal import Business
internal import Bytes
internal import Clocks
internal import Engine
internal import JSON
internal import Postgres

enum JobsCommand: Command {
    static let name = "jobs"
    static let summary = "list, show, retry, cancel or enqueue jobs"
    static let usage = """
        list [--state STATE] [--kind KIND] [--queue QUEUE] [--limit N] | show JOB | retry JOB | retry --queue QUEUE [--kind KIND] | cancel JOB
                | enqueue KIND [PAYLOAD] [--delay 30s] [--priority N]
        """
    static let options = ["--state", "--kind", "--queue", "--limit", "--delay", "--priority"]

    static func run(_ arguments: Arguments) throws {
        let platform = try Platform(arguments)
        let connection = try Connection(platform.connection("cli"))
        let ledger = platform.ledger(bell: nil)
        switch try arguments.word(0, "what to do: list, show, retry, cancel or enqueue") {
        case "list": try list(arguments, platform.business(ledger).jobs, connection)
        case "show": try show(arguments, ledger, connection)
        case "retry": try retry(arguments, platform.business(ledger).jobs, connection)
        case "cancel": try cancel(arguments, platform.business(ledger).jobs, connection)
        case "enqueue": try enqueue(arguments, ledger, connection)
        case let other: throw CommandFailure.usage("jobs has list, show, retry, cancel and enqueue, not \"\(other)\"")
        }
    }

    private static func list(_ arguments: Arguments, _ board: Jobs, _ connection: Connection) throws {
        var filter = Jobs.Filter()
        if let text = arguments.value("--state") {
            guard let state = JobState(rawValue: text) else {
                throw CommandFailure.usage("there is no state \"\(text)\"" + Suggestion.hint(text, JobState.allCases.map(\.rawValue)))
            }
            filter.state = state
        }
        filter.kind = arguments.value("--kind")
        filter.queue = arguments.value("--queue")
        let limit = try arguments.number("--limit", default: 50)
        let jobs = try board.list(filter, after: nil, limit: limit, by: board.console(on: connection), on: connection).items
        if arguments.wantsJSON { return Output.json(.array(jobs.map { $0.json(detailed: false) })) }
        Output.table(
            ["JOB", "KIND", "STATE", "ATTEMPT", "CREATED", "ERROR"],
            jobs.map { [$0.id.text("job"), $0.kind, $0.state.rawValue, "\($0.attempt)/\($0.maxAttempts)", $0.createdAt.text, $0.errorCode ?? ""] })
    }

    private static func show(_ arguments: Arguments, _ ledger: Ledger, _ connection: Connection) throws {
        guard let job = try ledger.find(id(arguments), on: connection) else { throw CommandFailure(.notFound, "there is no such job") }
        Output.json(job.json(detailed: true))
    }

    private static func retry(_ arguments: Arguments, _ board: Jobs, _ connection: Connection) throws {
        if arguments.words.count > 1 {
            let id = try id(arguments)
            try connection.transaction { _ = try board.retry(id, by: board.console(on: $0), on: $0) }
            return Output.line("\(id.text("job")) is queued again.")
        }
        guard arguments.value("--queue") != nil || arguments.value("--kind") != nil else {
            throw CommandFailure.usage("name a job, or --queue or --kind for all their dead jobs")
        }
        var (count, cursor): (Int, Identifier?) = (0, Identifier(high: 0, low: 0))
        while let after = cursor {
            let turn = try connection.transaction {
                try board.retryAll(
                    queue: arguments.value("--queue"), kind: arguments.value("--kind"), after: after, by: board.console(on: $0), on: $0)
            }
            count += turn.revived
            cursor = turn.next
        }
        Output.line("\(count) dead jobs are queued again.")
    }

    private static func cancel(_ arguments: Arguments, _ board: Jobs, _ connection: Connection) throws {
        let id = try id(arguments)
        let outcome = try connection.transaction { try board.cancel(id, by: board.console(on: $0), on: $0) }
        Output.line(outcome == .cancelled ? "\(id.text("job")) is cancelled." : "\(id.text("job")) runs; its cancel is on record.")
    }

    private static func enqueue(_ arguments: Arguments, _ ledger: Ledger, _ connection: Connection) throws {
        let kind = try arguments.word(1, "the kind of the job")
        guard ledger.catalog.jobs[kind] != nil else {
            throw CommandFailure.usage("there is no kind \"\(kind)\"" + Suggestion.hint(kind, ledger.catalog.jobs.keys.sorted()))
        }
        let payload = try arguments.words.count > 2 ? JSONValue(parsing: arguments.words[2]) : .object([:])
        var job = NewJob(kind, payload)
        if let text = arguments.value("--delay") {
            guard let delay = DurationText.parse(text) else { throw CommandFailure.usage("--delay takes a duration such as 30s, not \"\(text)\"") }
            job.runAt = .now + delay
        }
        if let text = arguments.value("--priority") {
            guard let priority = Int(text), (-10...10).contains(priority) else { throw CommandFailure.usage("--priority is from -10 to 10") }
            job.priority = priority
        }
        let ready = job
        let enqueued = try connection.transaction { connection in
            let enqueued = try ledger.enqueue(ready, on: connection)
            return enqueued
        }
        try connection.notify(RelayBell.channel)
        Output.line(enqueued.id.text("job") + (enqueued.isNew ? "" : " (folded into this waiting job)"))
    }

    private static func id(_ arguments: Arguments) throws -> Identifier {
        let text = try arguments.word(1, "the job, job_…")
        guard let id = Identifier(text, prefix: "job") else { throw CommandFailure.usage("\"\(text)\" is not the id of a job") }
        return id
    }
}
