package import Bytes
package import Clocks
package import Postgres

extension Wallets {
    /// Sets money aside out of what the account has available, credit included.
    ///
    /// - Returns: the hold's id.
    /// - Throws: `BusinessError` `insufficient_balance` (402), `no_wallet` when the account has none in this currency.
    package func hold(
        _ amount: Money, currency: String, account accountID: Identifier, reason: String, reference: WalletEntry.Reference, job jobID: Identifier?,
        on connection: Connection, now: Instant = .now
    ) throws -> Identifier {
        precondition(connection.isInTransaction, "money is held inside the transaction of what it is held for")
        let id = Identifier.next()
        let rows = try connection.run(SQL.Wallets.hold, id, accountID, currency, amount, reason, reference.type, reference.id, jobID, now)
        guard let row = rows.first else {
            guard let row = try connection.run(SQL.Wallets.read, accountID, currency).first else {
                throw BusinessError(.conflict, "no_wallet", "The account has no wallet in \(currency).")
            }
            throw BusinessError.insufficientBalance(available: try Wallet(row).available, needed: amount, currency: currency)
        }
        if try row("fell") { try announceLowBalance(try Wallet(row), on: connection, now: now) }
        return id
    }

    /// What became of a hold: done now, or found in the state in which somebody else had left it.
    package enum HoldEnd: Sendable, Hashable {
        case now
        case earlier(WalletHold.State)
    }

    /// Turns a hold into an entry of this type, once.
    ///
    /// - Parameter reference: what the hold is for, and then the entry; the money held for one thing never pays for another.
    /// - Returns: `.now` for the call that did it; a repeated call gets `.earlier` and changes nothing.
    /// - Throws: `BusinessError` `not_found`, `wrong_hold`.
    package func capture(
        _ id: Identifier, as type: EntryType, for reference: WalletEntry.Reference, note: String? = nil, actor: Identifier? = nil,
        job: Identifier? = nil, on connection: Connection, now: Instant = .now
    ) throws -> HoldEnd {
        precondition(connection.isInTransaction, "a hold is captured inside the transaction of what it pays for")
        let rows = try connection.run(SQL.Wallets.capture, id, Identifier.next(), type, reference.type, reference.id, note, actor, job, now)
        return rows.isEmpty ? try earlierEnd(of: id, for: reference, on: connection) : .now
    }

    /// Gives the held money free, once.
    ///
    /// - Throws: `BusinessError` `not_found`, `wrong_hold`.
    package func release(
        _ id: Identifier, for reference: WalletEntry.Reference, on connection: Connection, now: Instant = .now
    ) throws -> HoldEnd {
        precondition(connection.isInTransaction, "a hold is released inside the transaction of what it was held for")
        let rows = try connection.run(SQL.Wallets.release, id, now, reference.type, reference.id)
        return rows.isEmpty ? try earlierEnd(of: id, for: reference, on: connection) : .now
    }

    private func earlierEnd(of id: Identifier, for reference: WalletEntry.Reference, on connection: Connection) throws -> HoldEnd {
        let hold = try findHold(id, on: connection)
        guard hold.reference == reference else { throw BusinessError(.invalid, "wrong_hold", "The hold is for something else.") }
        return .earlier(hold.state)
    }

    /// The hold by its id, for rules that run without a caller.
    package func findHold(_ id: Identifier, on connection: Connection) throws -> WalletHold {
        guard let row = try connection.run(SQL.Wallets.findHold, id).first else { throw BusinessError.notFound("hold") }
        return try WalletHold(row)
    }

    /// Locks the wallet that a hold is on: first of all locks that its end will need.
    func lockWallet(ofHold id: Identifier, on connection: Connection) throws {
        if try connection.run(SQL.Wallets.lockOfHold, id).isEmpty { throw BusinessError.notFound("hold") }
    }
}
