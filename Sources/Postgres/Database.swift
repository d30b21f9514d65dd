internal import Lanes

/// The way to the database for code that is not on a lane: some lanes, each with one connection.
///
/// A body runs wholly on one lane, on its own connection, and blocks there as long as it likes; the caller's task only suspends. What the body returns
/// is Sendable, so no row and no connection leaves the lane. Lanes connect at their first work. After a loss they connect anew by themselves; while the
/// server is away, callers wait a moment (`patience`) and then get `unreachable` at once, until the next attempt is due.
package final class Database: Sendable {
    package let settings: ConnectionSettings
    private let pool: LanePool<DatabaseLane>

    /// Starts the lanes.
    ///
    /// - Parameters:
    ///   - lanes: how many statements can run at the same time.
    ///   - name: the threads' name.
    ///   - patience: how long one call waits for a server that does not take connections.
    package init(_ settings: ConnectionSettings, lanes: Int, name: String, patience: Duration = .milliseconds(500)) {
        let door = ServerDoor(patience: patience)
        self.settings = settings
        pool = LanePool(name, count: lanes) { _ in DatabaseLane(settings, door) }
    }

    /// Runs the body on a free lane.
    ///
    /// It is never repeated; a transaction that it leaves open is rolled back.
    ///
    /// - Throws: what the body throws; `unreachable` and its like when there is no connection; `shuttingDown` after `stop`.
    package func run<R: Sendable>(_ body: @escaping @Sendable (Connection) throws -> R) async throws -> R {
        try await onLane { lane in try lane.run(body) }
    }

    /// Runs the body in a transaction on a free lane, again when that is safe and promising.
    ///
    /// A serialization failure, a deadlock and a stale plan are tried again up to three times, a connection that was lost before COMMIT was sent once; so the
    /// body must have no effects but those of the transaction.
    ///
    /// - Throws: what the body throws; `commitUnknown` when the connection was lost during COMMIT, which is never repeated.
    package func transaction<R: Sendable>(_ body: @escaping @Sendable (Connection) throws -> R) async throws -> R {
        try await onLane { lane in try lane.transaction(body) }
    }

    /// How many calls wait for a lane.
    package var waiting: Int { pool.waiting }

    /// Refuses new calls; those that wait are still served, then the lanes end and close their connections.
    package func stop() { pool.stop() }

    /// Waits until all lanes have ended; false when the time was over first.
    ///
    /// Blocks the calling thread.
    @discardableResult
    package func join(timeout: Duration) -> Bool { pool.join(timeout: timeout) }

    private func onLane<R: Sendable>(_ body: @escaping @Sendable (DatabaseLane) throws -> R) async throws -> R {
        do {
            return try await pool.run(body)
        } catch is LanePoolStopped {
            throw PostgresError(.shuttingDown, message: "the database's lanes were stopped")
        }
    }
}
