internal import Faults
internal import Glibc
internal import Lanes
internal import Postgres
internal import Synchronization

/// Carries out a plan: each fault on a thread of its own, so that they overlap as they fall; what harms the same thing takes turns.
final class FaultPlayer: Sendable {
    private let rig: ChaosRig
    private let servers: ChaosServers?
    private let problems = Mutex<[String]>([])

    init(_ rig: ChaosRig, servers: ChaosServers?) {
        self.rig = rig
        self.servers = servers
    }

    /// Plays all of it, and returns when the last one is over.
    ///
    /// - Returns: what could not be done; a run without its faults proves nothing.
    func play(_ plan: FaultPlan) -> [String] {
        // By what they harm: two deaths of the same process, or a death and a thirst of the same server, would undo each other.
        let chains = Dictionary(grouping: plan.faults) { victim(of: $0) }
        let threads = chains.values.map { chain in
            Thread("fault") { [self] in
                let began = ContinuousClock.now
                for fault in chain {
                    pause(max(.zero, began + .milliseconds(fault.at) - .now))
                    do {
                        try play(fault)
                    } catch {
                        problems.withLock { $0.append("\(fault): \(CommandFailure(error).message)") }
                    }
                }
            }
        }
        for thread in threads { thread.join() }
        return problems.withLock { $0 }
    }

    private func victim(of fault: PlannedFault) -> String {
        switch fault.fault {
        case .killWorker, .freezeWorker: "worker-\(fault.target % 2)"
        case .killRelay: "relay-\(fault.target % 2)"
        case .killScheduler: "scheduler-\(fault.target % 2)"
        case .killAPI: "api-0"
        case .killBroker, .wipe: "broker"
        case .killDatabase: "database"
        case .cut, .blackHole, .pool: "network"
        case .clock: "clock"
        }
    }

    private func play(_ fault: PlannedFault) throws {
        let time = Duration.milliseconds(fault.duration)
        switch fault.fault {
        case .killWorker, .killRelay, .killScheduler, .killAPI:
            let name = victim(of: fault)
            rig.kill(name)
            pause(time)
            try rig.start(name)
        case .freezeWorker:
            let process = rig[victim(of: fault)]
            process?.signal(SIGSTOP)
            pause(time)
            process?.signal(SIGCONT)
        case .killDatabase: try restart(.database, after: time)
        case .killBroker: try restart(.broker, after: time)
        case .wipe: try restart(.broker, after: time, wiping: true)
        case .cut, .blackHole:
            let proxy = rig.proxy(fault.target / 2 == 0 ? .database : .broker, side: fault.target)
            if fault.fault == .cut { proxy.cut() } else { proxy.swallow() }
            pause(time)
            proxy.restore()
        case .clock:
            let name = ["worker-0", "scheduler-0", "api-0", "worker-1"][fault.target]
            rig.setClock(of: name, fault.duration.isMultiple(of: 2) ? "+3600" : "-3600")
            pause(time)
            rig.setClock(of: name, "+0")
        case .pool: try thirst(time, side: fault.target)
        }
    }

    private func restart(_ server: ChaosServers.Server, after time: Duration, wiping: Bool = false) throws {
        guard let servers else { throw CommandFailure(.usage, "killing a server needs --servers") }
        try servers.kill(server)
        if wiping { try servers.wipe(server) }
        pause(time)
        try servers.start(server)
    }

    /// Breaks our connections and takes the places before we are back.
    private func thirst(_ time: Duration, side: Int) throws {
        var taken: [Connection] = []
        let proxy = rig.proxy(.database, side: side)
        proxy.cut()
        var settings = try rig.platform.connection("thirst")
        settings.database = rig.databaseName
        while taken.count < 1000 {
            guard let connection = try? Connection(settings) else { break }
            taken.append(connection)
        }
        proxy.restore()
        pause(time)
        taken = []
    }
}
