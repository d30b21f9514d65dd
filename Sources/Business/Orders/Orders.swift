package import Bytes
internal import Clocks
internal import JSON
package import Postgres

/// Paid orders whose end nobody knows: for the operator's staff, who ask the upstream and then say how it went.
///
/// An order is unresolved when its job has ended and its hold has not. Nothing but a retry of the job or these rules ends it, and the two exclude each
/// other: a retry takes the row of the ended job away, and a resolution holds that row locked; whichever comes second sees what the first has done.
/// A job that is retried after a resolution finds the hold ended and orders nothing.
package struct Orders: Sendable {
    let business: Business

    /// How many requests are shown with an order.
    private static let requests = 20

    /// Unresolved orders of the caller's subtree with what was asked of their upstreams, the newest first.
    ///
    /// - Throws: `BusinessError` `permission_denied` (`orders.view`), `operator_only`.
    package func list(
        account: Identifier? = nil, provider: Identifier? = nil, after cursor: Identifier? = nil, limit: Int = 50, by caller: Caller,
        on connection: Connection
    ) throws -> Page<Order> {
        try requireViewer(caller)
        let rows = try connection.run(SQL.Orders.list.plannedAnew, caller.accountID, cursor, account, provider, limit + 1)
        var page = try Page(rows.map { try Order($0) }, limit: limit) { $0.id }
        page.items = try withRequests(page.items, on: connection)
        return page
    }

    /// One order in whatever state, by its job.
    ///
    /// - Throws: `BusinessError` `permission_denied` (`orders.view`), `operator_only`, `not_found`.
    package func find(_ id: Identifier, by caller: Caller, on connection: Connection) throws -> Order {
        try requireViewer(caller)
        return try read(id, by: caller, on: connection)
    }

    /// - Parameter holdID: the order's hold, when it may have ended and the job's record may be gone.
    func read(_ id: Identifier, hold holdID: Identifier? = nil, by caller: Caller, on connection: Connection) throws -> Order {
        guard let row = try connection.run(SQL.Orders.find, caller.accountID, id, holdID).first else { throw BusinessError.notFound("order") }
        return try withRequests([Order(row)], on: connection)[0]
    }

    private func withRequests(_ orders: [Order], on connection: Connection) throws -> [Order] {
        let rows = try connection.run(SQL.Orders.requests, orders.map(\.id), Self.requests)
        let requests = Dictionary(grouping: try rows.map { try UpstreamRequest($0) }) { $0.jobID }
        return orders.map { order in
            var order = order
            order.requests = requests[order.id] ?? []
            return order
        }
    }

    private func requireViewer(_ caller: Caller) throws(BusinessError) {
        try caller.require(.ordersView)
        try Wallets.requireStaff(caller)
    }
}

extension Business {
    package var orders: Orders { Orders(business: self) }
}
