internal import CPostgres

extension Connection {
    /// Runs the body in a transaction: COMMIT when it returns, ROLLBACK when it throws, and then what it threw.
    ///
    /// Transactions do not nest; inside one, use `savepoint`. A body that swallows a statement's error gets no commit: the server would roll back and
    /// call it success, so this throws instead. A body that runs no statement costs no round trip.
    ///
    /// - Throws: what the body throws; `commitUnknown` when the connection was lost during COMMIT.
    @discardableResult
    package func transaction<R>(_ body: (Connection) throws -> R) throws -> R {
        precondition(!isInTransaction, "transactions do not nest; use a savepoint")
        commitActions.removeAll()
        deferred.append("BEGIN")
        let value: R
        do {
            value = try body(self)
        } catch {
            rollBack()
            throw error
        }
        try commit()
        let actions = commitActions
        commitActions.removeAll()
        for action in actions { action() }
        return value
    }

    /// Runs the action after the transaction in hand has committed, at once when there is none.
    ///
    /// What is registered inside a savepoint that fails is run all the same, so an action may only be a hint: a wake-up, never an effect.
    package func afterCommit(_ action: @escaping () -> Void) {
        if isInTransaction { commitActions.append(action) } else { action() }
    }

    /// Runs the body so that its failure undoes only what it did; the surrounding transaction goes on.
    ///
    /// The savepoints share one name: PostgreSQL stacks them, and RELEASE and ROLLBACK TO mean the innermost.
    ///
    /// - Throws: what the body throws; where the server cannot undo it any more, the reason: then nothing goes on, and nobody may take it for a failure
    ///   of the body alone.
    @discardableResult
    package func savepoint<R>(_ body: () throws -> R) throws -> R {
        precondition(isInTransaction, "a savepoint belongs into a transaction")
        let mark = deferred.append("SAVEPOINT millrace")
        do {
            let value = try body()
            try checkHealth()
            if !deferred.forget(from: mark) { deferred.append("RELEASE SAVEPOINT millrace") }
            return value
        } catch {
            if !deferred.forget(from: mark) {
                try checkConnected()
                try script("ROLLBACK TO SAVEPOINT millrace; RELEASE SAVEPOINT millrace")
            }
            throw error
        }
    }

    /// A body that swallowed a statement's error is no success.
    private func checkHealth() throws(PostgresError) {
        switch unsafe PQtransactionStatus(handle) {
        case PQTRANS_INERROR: throw PostgresError(.other, sqlState: "25P02", message: "a statement had failed, so what was done is rolled back")
        default: try checkConnected()
        }
    }

    private func checkConnected() throws(PostgresError) {
        if unsafe PQtransactionStatus(handle) == PQTRANS_UNKNOWN {
            throw PostgresError(.connectionLost, message: "the connection to the server was lost")
        }
    }

    private func commit() throws(PostgresError) {
        do {
            try checkHealth()
        } catch {
            rollBack()
            throw error
        }
        if isUntouched { return deferred.removeAll() }
        guard isInTransaction else { throw PostgresError(.other, sqlState: "25P01", message: "the body ended its transaction by itself") }
        do {
            try script("COMMIT")
        } catch {
            guard error.kind == .connectionLost else { throw error }
            throw PostgresError(.commitUnknown, sqlState: error.sqlState, message: "the connection was lost during COMMIT")
        }
    }

    /// The transaction has begun here, and the server does not know of it yet.
    private var isUntouched: Bool { unsafe !deferred.isEmpty && PQtransactionStatus(handle) == PQTRANS_IDLE }

    /// Ends the transaction without its changes; a session that cannot even do that is not usable any more.
    func rollBack() {
        deferred.removeAll()
        guard isUsable, isInTransaction else { return }
        do {
            try script("ROLLBACK")
        } catch {
            isSpoiled = true
        }
    }
}
