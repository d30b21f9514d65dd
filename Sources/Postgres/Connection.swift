internal import CPostgres
internal import Glibc

/// One session with the server, used by one thread at a time; every call blocks until the server has answered.
///
/// It is not Sendable on purpose: a lane makes it, uses it and lets go of it. Statements are prepared at their first use under their own name, with
/// all parameter types left to the server, so that what a statement means depends on its text alone and never on the values of its first call.
@safe
package final class Connection {
    package let settings: ConnectionSettings
    /// Told about notices and warnings of the server; without it they are dropped.
    ///
    /// Nothing is ever printed.
    package var onNotice: ((Notice) -> Void)? {
        get { notices.forward }
        set { notices.forward = newValue }
    }

    private(set) var handle: OpaquePointer
    var prepared = PreparedStatements()
    var parameters = Parameters()
    /// Set when the session is in a state that nothing but a new session can mend.
    var isSpoiled = false
    private let notices = NoticeSink()
    /// What goes to the server in front of the next statement.
    var deferred = DeferredCommands()
    /// Run once after the transaction in hand has committed, forgotten when it rolls back.
    var commitActions: [() -> Void] = []

    /// Connects.
    ///
    /// - Throws: `unreachable`, `tooManyConnections`, `shuttingDown`, `insufficientPrivilege` or `undefinedObject` (no such database).
    package init(_ settings: ConnectionSettings) throws(PostgresError) {
        self.settings = settings
        unsafe handle = try Handshake.connect(settings)
        unsafe notices.attach(to: handle)
    }

    deinit { unsafe PQfinish(handle) }

    /// The session still stands, as far as the last call could tell.
    package var isUsable: Bool { unsafe !isSpoiled && PQstatus(handle) == CONNECTION_OK }

    /// A transaction is open, be it healthy or failed.
    package var isInTransaction: Bool {
        guard deferred.isEmpty else { return true }
        return switch unsafe PQtransactionStatus(handle) {
        case PQTRANS_INTRANS, PQTRANS_INERROR, PQTRANS_ACTIVE: true
        default: false
        }
    }

    /// The server's process, as `pg_stat_activity` and `pg_terminate_backend` know it.
    package var backendProcessID: Int32 { unsafe PQbackendPID(handle) }

    /// Connects anew: prepared statements, locks, LISTENs and an open transaction are gone.
    ///
    /// The old session is kept when the new one cannot be made.
    package func reset() throws(PostgresError) {
        let fresh = try unsafe Handshake.connect(settings)
        unsafe PQfinish(handle)
        unsafe handle = unsafe fresh
        unsafe notices.attach(to: fresh)
        prepared.forgetAll()
        deferred.removeAll()
        isSpoiled = false
    }

    /// Looks, without blocking, whether the server has closed an idle session in the meantime.
    func noticesClosedByServer() -> Bool {
        guard isUsable else { return true }
        // The end of the stream comes behind the server's last words, so read on until there is nothing more.
        while unsafe waitForSocket(PQsocket(handle), events: Int16(POLLIN), until: .now) {
            guard unsafe PQconsumeInput(handle) == 1, isUsable else { return true }
        }
        return false
    }
}
