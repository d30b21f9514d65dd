/// What chaos can do to an installation.
enum Fault: String, CaseIterable, Sendable {
    case killWorker = "kill-worker"
    case killRelay = "kill-relay"
    case killScheduler = "kill-scheduler"
    case killAPI = "kill-api"
    /// The process stands still with all its connections, and goes on.
    case freezeWorker = "freeze-worker"
    case killBroker = "kill-broker"
    case killDatabase = "kill-database"
    /// Connections of half of the processes to a server are reset, and new ones refused.
    case cut
    /// They stay, and nothing goes through.
    case blackHole = "black-hole"
    /// A process's clock jumps an hour ahead or back, and returns.
    case clock
    /// Others take all connections that PostgreSQL has left, just as ours are broken.
    case pool
    /// RabbitMQ dies and comes back without its data.
    case wipe

    /// Only with the command that kills and starts servers.
    var needsServers: Bool { [.killBroker, .killDatabase, .wipe].contains(self) }

    /// How long it lasts, in milliseconds; a killed process or server is started again after that.
    var duration: ClosedRange<Int> {
        switch self {
        case .killWorker, .killRelay, .killScheduler, .killAPI: 100...1500
        case .freezeWorker: 500...4000
        case .killBroker, .killDatabase, .wipe: 50...1000
        case .cut: 200...3000
        case .blackHole: 1000...6000
        case .clock: 1000...5000
        case .pool: 500...3000
        }
    }
}

/// A fault at its time.
struct PlannedFault: Sendable, CustomStringConvertible {
    var fault: Fault
    /// Milliseconds after the load has reached its rate.
    var at: Int
    var duration: Int
    /// Which of several: a worker, a side of the network, ahead or back.
    var target: Int

    var description: String { "+\(at) ms \(fault.rawValue) \(target) for \(duration) ms" }
}
