package import Bytes
package import Postgres

extension Ledger {
    /// Lets queued jobs that wait for a later time run now; others are left alone.
    ///
    /// The caller bounds the number: each is two row updates in the caller's transaction.
    ///
    /// - Returns: how many.
    @discardableResult
    package func bringForward(_ ids: [Identifier], on connection: Connection) throws -> Int {
        guard !ids.isEmpty else { return 0 }
        let moved = try connection.run(SQL.BringForward.bringForward, ids).affected
        if moved > 0 { ring(connection) }
        return moved
    }
}
