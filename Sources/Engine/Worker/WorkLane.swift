internal import Postgres

/// What a lane of a worker owns: one database connection, made when it is first needed and again after it was lost.
final class WorkLane {
    private let settings: ConnectionSettings
    private var current: Connection?

    init(_ settings: ConnectionSettings) {
        self.settings = settings
    }

    /// The lane's connection, usable as far as the last call could tell.
    func connection() throws -> Connection {
        if let current, current.isUsable { return current }
        current = nil
        let fresh = try Connection(settings)
        current = fresh
        return fresh
    }

    /// The next work gets another connection.
    func drop() { current = nil }
}
