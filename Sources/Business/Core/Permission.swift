/// The dotted permissions of the seeds and of our own parts.
///
/// Rights are role ∩ permission group ∩ the rights of every ancestor.
package enum Permission: String, Sendable, Codable, CaseIterable, Hashable {
    case accountView = "account.view"
    case accountEdit = "account.edit"
    case resellersView = "resellers.view"
    case resellersCreate = "resellers.create"
    case resellersEdit = "resellers.edit"
    case resellersDelete = "resellers.delete"
    case resellersImpersonate = "resellers.impersonate"
    case usersView = "users.view"
    case usersCreate = "users.create"
    case usersEdit = "users.edit"
    case permissionGroupsView = "permission_groups.view"
    case permissionGroupsEdit = "permission_groups.edit"
    case balanceView = "balance.view"
    case balanceTopUp = "balance.topup"
    case balanceTransfer = "balance.transfer"
    case balanceRefund = "balance.refund"
    case transactionsView = "transactions.view"
    case transactionsViewAll = "transactions.view_all"
    case productsView = "products.view"
    case productsEdit = "products.edit"
    case plansView = "plans.view"
    case plansPurchase = "plans.purchase"
    case plansExtend = "plans.extend"
    case plansCancel = "plans.cancel"
    case plansEdit = "plans.edit"
    case plansCredentials = "plans.credentials"
    case apiKeysView = "api_keys.view"
    case apiKeysEdit = "api_keys.edit"
    case webhooksView = "webhooks.view"
    case webhooksEdit = "webhooks.edit"
    case auditView = "audit.view"
    case upstreamView = "upstream.view"
    case ordersView = "orders.view"
    case ordersResolve = "orders.resolve"
    case jobsView = "jobs.view"
    case jobsViewAll = "jobs.view_all"
    case jobsControl = "jobs.control"
    case queuesView = "queues.view"
    case queuesControl = "queues.control"

    /// What a role may have at most.
    package static func all(of role: Role) -> Set<Permission> {
        switch role {
        case .superAdmin: Set(allCases)
        case .manager: Set(allCases).subtracting([.resellersDelete, .permissionGroupsEdit])
        case .support:
            [
                .accountView, .resellersView, .usersView, .permissionGroupsView, .balanceView, .transactionsView, .transactionsViewAll, .productsView,
                .plansView, .plansEdit, .apiKeysView, .webhooksView, .auditView, .upstreamView, .ordersView, .jobsView, .jobsViewAll, .queuesView,
            ]
        case .analyst:
            [
                .accountView, .resellersView, .usersView, .balanceView, .transactionsView, .transactionsViewAll, .productsView, .plansView,
                .auditView, .upstreamView, .ordersView, .jobsView, .jobsViewAll, .queuesView,
            ]
        case .reseller:
            [
                .accountView, .accountEdit, .resellersView, .resellersCreate, .resellersEdit, .resellersDelete, .resellersImpersonate, .usersView,
                .usersCreate, .usersEdit, .permissionGroupsView, .permissionGroupsEdit, .balanceView, .balanceTransfer, .transactionsView,
                .transactionsViewAll, .productsView, .plansView, .plansPurchase, .plansExtend, .plansCancel, .plansEdit, .plansCredentials,
                .apiKeysView,
                .apiKeysEdit, .webhooksView, .webhooksEdit, .auditView, .upstreamView, .jobsView,
            ]
        case .customer:
            [
                .accountView, .accountEdit, .balanceView, .transactionsView, .productsView, .plansView, .plansPurchase, .plansExtend, .plansCancel,
                .plansEdit, .plansCredentials, .apiKeysView, .apiKeysEdit, .webhooksView, .webhooksEdit, .jobsView,
            ]
        case .partner: [.accountView, .accountEdit, .balanceView, .transactionsView, .apiKeysView, .apiKeysEdit, .webhooksView, .webhooksEdit]
        }
    }
}
