internal import Business
internal import Engine

/// Queues, workers, schedules: the operator's staff.
enum QueueRoutes {
    static let operations: [String: Operation] = [
        "listQueues": .read { call, connection in .list(try call.business.jobs.queues(by: call.caller, on: connection).map(\.json)) },
        "pauseQueue": .change { call, connection in
            try call.business.jobs.setPaused(true, queue: call.name("queue"), by: call.caller, on: connection)
            return .done
        },
        "resumeQueue": .change { call, connection in
            try call.business.jobs.setPaused(false, queue: call.name("queue"), by: call.caller, on: connection)
            return .done
        },
        "listWorkers": .read { call, connection in .list(try call.business.jobs.workers(by: call.caller, on: connection)) },
        "listSchedules": .read { call, connection in .list(try call.business.jobs.schedules(by: call.caller, on: connection)) },
    ]
}
