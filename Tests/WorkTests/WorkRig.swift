import Business
import Bytes
import Clocks
import Crypto
import Engine
import HTTPClient
import JSON
import Postgres
import Telemetry
import TestSupport
import Work

/// The whole engine with the real handlers, over the test's own database and queues, and accounts to work for.
struct WorkRig: Sendable {
    let engine: EngineRig
    let services: Services
    let root = Identifier.next()
    let north = Identifier.next()

    var business: Business { services.business }

    struct Options: Sendable {
        /// The kinds to run; others have no queue.
        var kinds = ["webhook.deliver", "webhook.resume"]
        /// Members that replace a definition's own, for every kind.
        var definition: JSONObject = ["backoff": ["delays": ["10ms"]]]
        /// With a breaker that stays closed, but for tests of it.
        var rules = {
            var rules = Rules()
            rules.breaker.failuresToOpen = 1_000_000
            return rules
        }()
        var webhooks = WebhookRules(timeout: .seconds(15), connectTimeout: .seconds(10))
        var retention = RetentionRules()
        var addresses = AddressGuard(allowedNetworks: WorkRig.loopback)
        var client = HTTPClient.Settings()
        var resolver = Resolver.system
        var log = TestLog.logger
        /// Puts something around the handlers.
        var around: (@Sendable (Services) -> [JobHandler])?
    }

    static let loopback = ["127.0.0.0/8"].compactMap { try? Network($0) }

    static func open(_ edit: (inout Options) -> Void = { _ in }) async throws -> WorkRig {
        var options = Options()
        edit(&options)
        let catalog = try Definitions.catalog(of: options.kinds, replacing: options.definition)
        let http = HTTPClient(settings: options.client, guard: options.addresses, resolver: options.resolver)
        var made: Services?
        let engine = try EngineRig(catalog: catalog, log: options.log) { [options] ledger in
            let business = Business(ledger: ledger, keys: try EncryptionKeys([1: EncryptionKeys.makeKey()]), rules: options.rules)
            let services = Services(business: business, http: http, webhooks: options.webhooks, retention: options.retention, log: options.log)
            made = services
            let own = options.around?(services) ?? []
            let rest = HandlerRegistry.handlers(services).filter { handler in
                catalog.jobs[handler.kind] != nil && !own.contains { $0.kind == handler.kind }
            }
            return (own + rest, { try business.announce(dead: $0, on: $1) })
        }
        guard let made else { preconditionFailure("the rig makes its handlers") }
        let rig = WorkRig(engine: engine, services: made)
        try await rig.act { connection, business in
            for (id, parent, type, name) in [(rig.root, nil, "operator", "operator"), (rig.north, rig.root, "reseller", "north")] {
                try connection.run(
                    .once("insert into accounts (id, parent_id, type, name, currency) values ($1, $2, $3, $4, 'USD')"), id, parent, type, name)
                try business.wallets.open(id, currency: "USD", on: connection)
            }
        }
        return rig
    }

    /// Runs the body with the whole engine, and ends everything.
    static func run<R>(_ edit: (inout Options) -> Void = { _ in }, _ body: (WorkRig) async throws -> R) async throws -> R {
        let rig = try await open(edit)
        let result: Result<R, any Error>
        do {
            result = .success(try await rig.engine.running { try await body(rig) })
        } catch {
            result = .failure(error)
        }
        await rig.close()
        return try result.get()
    }

    func close() async {
        services.http.stop()
        await engine.close()
    }

    @discardableResult
    func act<R: Sendable>(_ body: @escaping @Sendable (Connection, Business) throws -> R) async throws -> R {
        let business = business
        return try await engine.database.transaction { try body($0, business) }
    }

    func count(_ sql: String) async throws -> Int {
        try await act { connection, _ in try connection.run(.once(sql)).only()(0) }
    }

    /// Runs the body with a relay, a scheduler and a worker, which `lose` takes for dead while it runs a job.
    ///
    /// From then on it consumes nothing more, nobody holds the lock in its row, and another worker takes its place. What it has in hand goes on.
    func losingWorker<R>(_ body: (_ lose: (Identifier) async throws -> Void) async throws -> R) async throws -> R {
        let (relay, scheduler, second) = (engine.relay(), engine.scheduler(), try engine.worker())
        let first = try engine.worker(grace: .seconds(60))
        relay.start()
        scheduler.start()
        first.start()
        var ending: Task<Void, Never>?
        let result: Result<R, any Error>
        do {
            result = .success(
                try await body { job in
                    ending = Task { await offPool { _ = first.stop() } }
                    try await eventually("the worker consumes nothing more") { try await count("select count(*) from workers where stopping") == 1 }
                    try await act { connection, _ in
                        try connection.run(.once("update workers set lock = -7 where id = (select worker_id from running_jobs where id = $1)"), job)
                        return
                    }
                    second.start()
                })
        } catch {
            result = .failure(error)
        }
        if ending == nil { await offPool { _ = first.stop() } }
        await ending?.value
        await offPool {
            second.stop()
            scheduler.stop()
            relay.stop()
        }
        return try result.get()
    }

    var staff: Caller { Caller(accountID: root, role: .superAdmin, permissions: Permission.all(of: .superAdmin)) }
    var reseller: Caller { Caller(accountID: north, role: .reseller, permissions: Permission.all(of: .reseller)) }
}

/// The repository's own definitions, with members replaced: tests do not wait for hours.
enum Definitions {
    static func catalog(of kinds: [String], replacing members: JSONObject) throws -> Catalog {
        var queues: Set<String> = []
        let jobs = try kinds.map { kind in
            var definition = try JSONValue(parsing: Repository.read("jobs/\(kind).json"))
            queues.formUnion([definition["queue"]?.string ?? ""] + (definition["lanes"]?.array ?? []).compactMap(\.string))
            for member in members.members { definition[member.key] = member.value }
            return (file: "\(kind).json", text: definition.text)
        }
        return try Catalog(
            jobs: jobs,
            queues: queues.map { queue in
                var definition = try JSONValue(parsing: Repository.read("queues/\(queue).json"))
                // A few lanes do for a test.
                definition["concurrency"] = ["min": 1, "max": 8]
                return (file: "\(queue).json", text: definition.text)
            })
    }
}

/// A leased handler with something behind it: the moments between its end and the end's being written.
struct Followed<Job: LeasedJob>: LeasedJob {
    let job: Job
    let then: @Sendable (LeasedContext) async throws -> Void

    @concurrent func run(_ payload: Job.Payload, in context: LeasedContext) async throws -> Outcome {
        let outcome = try await job.run(payload, in: context)
        try await then(context)
        return outcome
    }
}
