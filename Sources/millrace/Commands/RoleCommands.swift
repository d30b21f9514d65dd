internal import Engine
internal import Settings

/// Everything in one process.
enum UpCommand: Command {
    static let name = "up"
    static let summary = "run all roles in one process: API, relay, scheduler and a worker for every queue"

    static func run(_ arguments: Arguments) throws {
        StopSignals.block()
        let platform = try Platform(arguments, roles: [.api, .relay, .worker, .scheduler])
        try RoleRunner.run(platform) {
            [try RelayRole(platform), try SchedulerRole(platform), try WorkerRole(platform, queues: []), try APIRole(platform)]
        }
    }
}

enum APICommand: Command {
    static let name = "api"
    static let summary = "run the HTTP API"

    static func run(_ arguments: Arguments) throws {
        StopSignals.block()
        let platform = try Platform(arguments, roles: [.api])
        try RoleRunner.run(platform) { [try APIRole(platform)] }
    }
}

enum RelayCommand: Command {
    static let name = "relay"
    static let summary = "publish wake-ups for due jobs to the broker"

    static func run(_ arguments: Arguments) throws {
        StopSignals.block()
        let platform = try Platform(arguments, roles: [.relay])
        try RoleRunner.run(platform) { [try HealthRole(platform, standardPort: 9101), try RelayRole(platform)] }
    }
}

enum SchedulerCommand: Command {
    static let name = "scheduler"
    static let summary = "rescue leases, fire schedules, keep partitions; one leads, others stand by"

    static func run(_ arguments: Arguments) throws {
        StopSignals.block()
        let platform = try Platform(arguments, roles: [.scheduler])
        try RoleRunner.run(platform) { [try HealthRole(platform, standardPort: 9102), try SchedulerRole(platform)] }
    }
}

enum WorkerCommand: Command {
    static let name = "worker"
    static let summary = "serve queues; all of them when none is named"
    static let usage = "[QUEUE …]"

    static func run(_ arguments: Arguments) throws {
        StopSignals.block()
        let platform = try Platform(arguments, roles: [.worker])
        let queues = arguments.words.isEmpty ? platform.settings.worker.queues : arguments.words
        for queue in queues where platform.catalog.queues[queue] == nil {
            throw CommandFailure.usage("there is no queue \"\(queue)\"" + Suggestion.hint(queue, platform.catalog.queues.keys.sorted()))
        }
        try RoleRunner.run(platform) { [try HealthRole(platform, standardPort: 9103), try WorkerRole(platform, queues: queues)] }
    }
}
