/// Processor time by who spent it: this process's threads by their names, and the servers' processes on this machine by theirs.
///
/// Read from `/proc`; ticks are 10 ms, so only what lasts seconds is worth reading. A server process that ended in between is not counted.
enum ProcessorTime {
    struct Share {
        var name: String
        var seconds: Double
    }

    struct Reading {
        fileprivate var seconds: [String: Double] = [:]

        /// What was spent in between, greatest first.
        static func - (later: Reading, earlier: Reading) -> [Share] {
            later.seconds.map { Share(name: $0.key, seconds: $0.value - (earlier.seconds[$0.key] ?? 0)) }
                .filter { $0.seconds >= 0.02 }.sorted { $0.seconds > $1.seconds }
        }
    }

    static func now() -> Reading {
        var reading = Reading()
        for thread in ProcessTable.ownThreads() {
            // `w-webhook-1` and `w-webhook-2` are one kind of thread; threads without a name of their own are Swift's pool.
            let stem = String(thread.name.prefix { !$0.isNumber })
            let name = stem.hasPrefix("millrace") ? "tasks" : stem.hasSuffix("-") ? String(stem.dropLast()) : stem
            reading.seconds[name, default: 0] += thread.seconds
        }
        for process in ProcessTable.all() {
            guard let name = ProcessTable.name(process).flatMap({ servers[$0] }), let usage = ProcessTable.usage(process) else { continue }
            reading.seconds[name, default: 0] += usage.own
        }
        return reading
    }

    private static let servers = ["postgres": "[postgres]", "beam.smp": "[rabbitmq]"]
}
