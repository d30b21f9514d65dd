internal import Bytes

/// What one lane of a `Database` owns: its connection, and the rules by which work is tried again.
final class DatabaseLane {
    private let settings: ConnectionSettings
    private let door: ServerDoor
    private var connection: Connection?

    init(_ settings: ConnectionSettings, _ door: ServerDoor) {
        self.settings = settings
        self.door = door
    }

    func run<R>(_ body: (Connection) throws -> R) throws -> R {
        let connection = try ready()
        defer { settle(connection) }
        do {
            return try body(connection)
        } catch let error as PostgresError where error.kind == .readOnly {
            // The server that we know has become a standby: the next work asks for an address again.
            connection.isSpoiled = true
            throw error
        }
    }

    func transaction<R>(_ body: (Connection) throws -> R) throws -> R {
        var conflicts = 0
        var losses = 0
        while true {
            do {
                return try run { connection in try connection.transaction(body) }
            } catch let error as PostgresError {
                switch error.kind {
                case .serializationFailure, .deadlock, .stalePlan:
                    guard conflicts < 3 else { throw error }
                    conflicts += 1
                    sleepThread(.milliseconds(Int64.random(in: 1...(5 << conflicts))))
                case .connectionLost:
                    guard losses < 1 else { throw error }
                    losses += 1
                default: throw error
                }
            }
        }
    }

    private func ready() throws(PostgresError) -> Connection {
        if let connection, !connection.noticesClosedByServer() { return connection }
        connection = nil
        let settings = settings
        let fresh = try door.enter { () throws(PostgresError) in try Connection(settings) }
        connection = fresh
        return fresh
    }

    /// Leaves the connection as the next work expects it, or lets go of it.
    private func settle(_ connection: Connection) {
        connection.rollBack()
        if !connection.isUsable { self.connection = nil }
    }
}
