package import Bytes
package import Postgres

extension Wallets {
    /// Entries, the newest first.
    ///
    /// Another account's than the caller's own need `transactions.view_all`; with it and without an account the whole subtree is listed.
    ///
    /// - Throws: `BusinessError` `permission_denied` (`transactions.view`), `not_found` for an account outside of the subtree.
    package func entries(
        _ filter: EntryFilter = EntryFilter(), after cursor: Identifier? = nil, limit: Int = 50, by caller: Caller, on connection: Connection
    ) throws -> Page<WalletEntry> {
        let account = try scope(filter, by: caller, on: connection)
        let rows = try connection.run(
            SQL.Wallets.listEntries.plannedAnew, caller.accountID, account, filter.types.isEmpty ? nil : filter.types.map(\.rawValue), filter.from,
            filter.to,
            cursor, limit + 1)
        return Page(try rows.map { try WalletEntry($0) }, limit: limit, id: \.id)
    }

    /// The sums of all entries that the filter takes, by currency.
    package func totals(_ filter: EntryFilter = EntryFilter(), by caller: Caller, on connection: Connection) throws -> [EntryTotals] {
        let account = try scope(filter, by: caller, on: connection)
        let rows = try connection.run(
            SQL.Wallets.entryTotals.plannedAnew, caller.accountID, account, filter.types.isEmpty ? nil : filter.types.map(\.rawValue), filter.from,
            filter.to,
            EntryType.allCases.filter { !$0.isIncome }.map(\.rawValue))
        return try rows.map { try EntryTotals($0) }
    }

    /// One entry.
    ///
    /// - Throws: `BusinessError` `permission_denied`, `not_found`.
    package func entry(_ id: Identifier, by caller: Caller, on connection: Connection) throws -> WalletEntry {
        try caller.require(.transactionsView)
        guard let row = try connection.run(SQL.Wallets.entry, caller.accountID, id).first else { throw BusinessError.notFound("entry") }
        let entry = try WalletEntry(row)
        guard entry.accountID == caller.accountID || caller.permissions.contains(.transactionsViewAll) else { throw BusinessError.notFound("entry") }
        return entry
    }

    /// The account whose entries are meant; nil: the whole subtree.
    private func scope(_ filter: EntryFilter, by caller: Caller, on connection: Connection) throws -> Identifier? {
        try caller.require(.transactionsView)
        guard caller.permissions.contains(.transactionsViewAll) else {
            if let wanted = filter.accountID, wanted != caller.accountID { try caller.require(.transactionsViewAll) }
            return caller.accountID
        }
        if let wanted = filter.accountID, try connection.run(SQL.Wallets.isVisible, caller.accountID, wanted).isEmpty {
            throw BusinessError.notFound("account")
        }
        return filter.accountID
    }
}
