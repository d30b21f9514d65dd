package import Bytes
package import Clocks
internal import Postgres

/// An account as a caller sees it, with its counts.
package struct Account: Sendable {
    package var id: Identifier
    /// Nil for the caller's own account: what is above is not the caller's to see.
    package var parentID: Identifier?
    package var parentName: String?
    package var type: AccountType
    package var name: String
    package var email: String?
    package var phone: String?
    /// Nil when it has none, and when the group belongs to an account above the caller's.
    package var permissionGroupID: Identifier?
    package var permissionGroupName: String?
    /// Where its users and those of all accounts below it may log in from; empty: anywhere.
    package var allowedIPs: [String]
    package var isActive: Bool
    /// False too when an account above it is deactivated: its users cannot log in.
    package var isReachable: Bool
    package var currency: String
    /// Of the wallet in its currency.
    package var balance: Money
    package var held: Money
    /// Of its own, not of accounts below.
    package var userCount: Int
    /// Plans that are pending, active or suspended, of its own.
    package var planCount: Int
    /// Accounts directly below.
    package var childCount: Int
    /// How far below the caller's account it is.
    package var depth: Int
    package var createdAt: Instant
    package var updatedAt: Instant

    init(_ row: Row) throws {
        id = try row("id")
        parentID = try row("parent_id")
        parentName = try row("parent_name")
        type = try AccountType(column: "type", of: row)
        name = try row("name")
        email = try row("email")
        phone = try row("phone")
        permissionGroupID = try row("permission_group_id")
        permissionGroupName = try row("permission_group_name")
        allowedIPs = try AddressRange.texts(row("allowed_ips"))
        isActive = try row("active")
        isReachable = try row("reachable")
        currency = try row("currency")
        let balance: Micros? = try row("balance")
        let held: Micros? = try row("held")
        self.balance = Money(micros: balance?.millionths ?? 0)
        self.held = Money(micros: held?.millionths ?? 0)
        userCount = try row("user_count")
        planCount = try row("plan_count")
        childCount = try row("child_count")
        depth = try row("depth")
        createdAt = try row("created_at")
        updatedAt = try row("updated_at")
    }
}

extension RawRepresentable<String> {
    /// Reads a column whose check constraint admits our raw values alone.
    init(column: String, of row: Row) throws {
        guard let value = Self(rawValue: try row(column)) else {
            throw PostgresError(.decoding, column: column, message: "\(column) is none of \(Self.self)'s values")
        }
        self = value
    }
}
