/// What went wrong at the database, in the terms of what the caller can do about it.
///
/// It carries the primary message of the server and names of our own objects (statement, column, constraint), never a parameter, a row's content,
/// PostgreSQL's DETAIL (it quotes keys) or a password.
package struct PostgresError: Error, Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// The connection broke while it was used; what ran outside a transaction may or may not have happened.
        case connectionLost
        /// No connection could be made, or the lanes wait before they try again; nothing has happened.
        case unreachable
        /// The server has no connection left for us.
        case tooManyConnections
        /// The server starts or stops; or our own lanes were stopped.
        case shuttingDown
        /// The connection broke during COMMIT: only the data can tell whether the transaction happened.
        case commitUnknown
        case uniqueViolation(constraint: String)
        case foreignKeyViolation(constraint: String)
        case checkViolation(constraint: String)
        case notNullViolation
        case serializationFailure
        case deadlock
        /// A lock was not free in time (`lock_timeout`, `NOWAIT`).
        case lockTimeout
        case statementTimeout
        /// Somebody cancelled the statement: `CancelHandle` or `pg_cancel_backend`.
        case cancelled
        /// A value that the statement's types refuse (class 22), or a bind of the wrong type.
        case invalidInput
        /// A table, column, function or database that is not there.
        case undefinedObject
        /// The password or the role does not allow it.
        case insufficientPrivilege
        /// The server or the transaction does not accept writes.
        case readOnly
        /// A prepared statement's plan no longer fits the schema; it is prepared anew at the next use.
        case stalePlan
        /// A result's column is missing or is not what the code asked for.
        case decoding
        case other
    }

    package let kind: Kind
    /// The five characters of the server's SQLSTATE; empty when the error was born on this side.
    package let sqlState: String
    /// The statement's name; empty for `script`, `once` and connecting.
    package let statement: String
    /// The column that the error is about, where there is one.
    package let column: String?
    /// The primary message, one line.
    package let message: String

    package init(_ kind: Kind, statement: String = "", column: String? = nil, sqlState: String = "", message: String) {
        self.kind = kind
        self.statement = statement
        self.column = column
        self.sqlState = sqlState
        self.message = message
    }

    /// The connection is gone and must be made anew.
    package var isConnectionLoss: Bool { kind == .connectionLost || kind == .commitUnknown }

    /// The same work may succeed later without anybody changing anything, and trying again cannot do it twice.
    ///
    /// `commitUnknown` is not transient: whoever repeats must first look whether it happened, or be idempotent.
    package var isTransient: Bool {
        switch kind {
        case .connectionLost, .unreachable, .tooManyConnections, .shuttingDown, .serializationFailure, .deadlock, .lockTimeout, .statementTimeout,
            .readOnly, .stalePlan:
            true
        case .other: sqlState.hasPrefix("53") || sqlState.hasPrefix("58")
        default: false
        }
    }

    /// The violated constraint's name.
    package var constraint: String? {
        switch kind {
        case .uniqueViolation(let name), .foreignKeyViolation(let name), .checkViolation(let name): name
        default: nil
        }
    }
}

extension PostgresError: CustomStringConvertible {
    package var description: String {
        var text = message
        if !statement.isEmpty { text = "\(statement): \(text)" }
        if !sqlState.isEmpty { text += " [\(sqlState)]" }
        return text
    }
}
