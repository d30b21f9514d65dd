internal import Postgres

/// Why a wallet's balance moved.
package enum EntryType: String, Sendable, Codable, CaseIterable, Hashable, PostgresEncodable, PostgresDecodable {
    case purchase, `extension`, new, renewal
    case changeService = "change_service"
    case staticIP = "static_ip"
    case addon, refill
    case dataTopUp = "data_topup"
    case prepaidCard = "prepaid_card"
    case subscriberTopUp = "subscriber_topup"
    case subscriberPurchase = "subscriber_purchase"
    case resetFUP = "reset_fup"
    case rename, transfer, withdraw, refund
    case topUp = "topup"
    case usage, bonus, payout

    /// Whether it is something that was sold: what the income of a report is made of.
    package var isIncome: Bool {
        switch self {
        case .transfer, .withdraw, .refund, .topUp, .bonus, .payout: false
        default: true
        }
    }
}
