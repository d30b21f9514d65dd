internal import CPostgres
internal import Glibc

/// What somebody said with NOTIFY.
package struct Notification: Hashable, Sendable {
    package let channel: String
    package let payload: String
    /// The process that sent it; one's own notifications come too.
    package let backendProcessID: Int32
}

extension Connection {
    /// Subscribes this session to a channel.
    package func listen(_ channel: String) throws(PostgresError) { try script("LISTEN \(quotedIdentifier(channel))") }

    /// Ends the subscription.
    package func unlisten(_ channel: String) throws(PostgresError) { try script("UNLISTEN \(quotedIdentifier(channel))") }

    /// Tells all sessions that listen, when the transaction commits.
    ///
    /// The commit takes a lock that all notifying transactions of the server share: send from a connection that does nothing else, and seldom.
    package func notify(_ channel: String, _ payload: String = "") throws(PostgresError) { try run(.notify, channel, payload) }

    /// Waits for notifications and returns all that are there; none when the time is over first.
    ///
    /// The server holds them back while a transaction is open.
    package func notifications(timeout: Duration) throws(PostgresError) -> [Notification] {
        let deadline = ContinuousClock.now + timeout
        while true {
            guard unsafe PQconsumeInput(handle) == 1 else { throw unsafe PostgresError(result: nil, connection: handle, statement: "") }
            var received: [Notification] = []
            while let notify = unsafe PQnotifies(handle) {
                defer { unsafe PQfreemem(notify) }
                let channel = unsafe String(cString: notify.pointee.relname)
                let payload = unsafe String(cString: notify.pointee.extra)
                received.append(Notification(channel: channel, payload: payload, backendProcessID: unsafe notify.pointee.be_pid))
            }
            if !received.isEmpty { return received }
            guard waitForSocket(unsafe PQsocket(handle), events: Int16(POLLIN), until: deadline) else { return [] }
        }
    }
}

extension Statement {
    fileprivate static let notify = Statement("postgres.notify", "SELECT pg_notify($1, $2)")
}
