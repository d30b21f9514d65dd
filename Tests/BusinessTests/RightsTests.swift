import Business
import Bytes
import Faults
import TestSupport
import Testing

struct RightsTests {
    /// The rights that an account of this type can have at all, which its most powerful role has.
    private static func most(of type: AccountType) -> Role { type.roles[0] }

    @Test func `a child never has more than its parent, in random trees`() {
        var dice = SeededGenerator.fresh()
        for _ in 0..<300 {
            // A chain from the operator down; at each step a random group, no group, or an empty one.
            var groups: [Set<Permission>] = []
            var above = Rights.effective(role: .superAdmin, groups: [])
            for depth in 1...Int.random(in: 1...8, using: &dice) {
                switch Int.random(in: 0..<4, using: &dice) {
                case 0: break
                case 1: groups.append([])
                default: groups.append(Set(Permission.allCases.filter { _ in Bool.random(using: &dice) || Bool.random(using: &dice) }))
                }
                let reseller = Rights.effective(role: .reseller, groups: groups)
                #expect(reseller.isSubset(of: above), "depth \(depth)")
                for role in [Role.customer, .partner] {
                    #expect(Rights.effective(role: role, groups: groups).isSubset(of: reseller))
                }
                let key = Set(Permission.allCases.filter { _ in Bool.random(using: &dice) })
                let keyed = Rights.effective(role: .reseller, groups: groups, key: key)
                #expect(keyed.isSubset(of: reseller) && keyed.isSubset(of: key))
                above = reseller
            }
        }
    }

    @Test func `the order of the chain does not matter and no group restricts nothing`() {
        let one: Set<Permission> = [.plansView, .plansPurchase, .queuesView]
        let other: Set<Permission> = [.plansView, .queuesView]
        #expect(Rights.effective(role: .reseller, groups: [one, other]) == [.plansView])
        #expect(Rights.effective(role: .reseller, groups: [other, one]) == [.plansView])
        #expect(Rights.effective(role: .reseller, groups: []) == Permission.all(of: .reseller))
    }

    @Test func `the roles of each account type stay within those of the type above`() {
        for role in [Role.customer, .partner] { #expect(Permission.all(of: role).isSubset(of: Permission.all(of: .reseller))) }
        for role in Role.allCases { #expect(Permission.all(of: role).isSubset(of: Permission.all(of: .superAdmin))) }
    }

    @Test func `an unknown permission is refused with a hint`() {
        let error = #expect(throws: BusinessError.self) { try Permission.named(["plans.view", "plans.purchse"]) }
        #expect(error?.code == "unknown_permission")
        #expect(error?.field == "/permissions/1")
        #expect(error?.message.contains("plans.purchase") == true)
    }
}

@Suite(.database(.millrace))
struct InheritedRightsTests {
    @Test func `rights are intersected over three levels, and follow every change above at once`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let (root, north) = try await (tenants.caller("root"), tenants.caller("north"))
        let wide = try await tenants.act {
            try $1.permissionGroups.create(name: "wide", permissions: [.plansView, .plansPurchase, .usersView], by: root, on: $0)
        }
        let narrow = try await tenants.act {
            try $1.permissionGroups.create(name: "narrow", permissions: [.plansView, .usersView, .auditView], by: north, on: $0)
        }
        let below = try await tenants.login("north-east")
        #expect(try await tenants.enter(below).permissions == Permission.all(of: .reseller))

        try await assign(wide.id, to: tenants.north, by: root, tenants)
        #expect(try await tenants.enter(below).permissions == [.plansView, .plansPurchase, .usersView])
        try await assign(narrow.id, to: tenants.northEast, by: north, tenants)
        #expect(try await tenants.enter(below).permissions == [.plansView, .usersView])
        let leaf = try await tenants.grow(.customer, "leaf", below: tenants.northEast, by: root)
        #expect(try await tenants.caller("leaf").permissions == [.plansView], "customer \(leaf)")

        try await tenants.act { try $1.permissionGroups.edit(wide.id, permissions: [.usersView], by: root, on: $0) }
        #expect(try await tenants.enter(below).permissions == [.usersView])
        #expect(try await tenants.caller("leaf").permissions == [])
        #expect(try await tenants.caller("south").permissions == Permission.all(of: .reseller))
    }

    @Test func `twenty levels deep, deactivation and rights still reach the bottom`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let root = try await tenants.caller("root")
        var parent = tenants.south
        for level in 1...20 { parent = try await tenants.grow(.reseller, "level-\(level)", below: parent, by: root) }
        let bottom = try await tenants.login("level-20")
        #expect(try await tenants.enter(bottom).permissions == Permission.all(of: .reseller))
        let group = try await tenants.act { try $1.permissionGroups.create(name: "g", permissions: [.plansView], by: root, on: $0) }
        try await assign(group.id, to: tenants.south, by: root, tenants)
        #expect(try await tenants.enter(bottom).permissions == [.plansView])
        try await tenants.setActive(tenants.south, false)
        await Tenants.refuses(.unauthenticated, "session_revoked") { try await tenants.enter(bottom) }
        await Tenants.refuses(.forbidden, "account_deactivated") { try await tenants.login("level-20") }
    }

    @Test func `a group belongs to somebody above the account, and holds only what its maker has`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let (root, north, south) = try await (tenants.caller("root"), tenants.caller("north"), tenants.caller("south"))
        await Tenants.refuses(.forbidden, "exceeds_own_rights") {
            try await tenants.act { try $1.permissionGroups.create(name: "g", permissions: [.plansView, .queuesControl], by: north, on: $0) }
        }
        let ofNorth = try await tenants.act { try $1.permissionGroups.create(name: "g", permissions: [.plansView], by: north, on: $0) }
        await Tenants.refuses(.conflict, "group_name_taken") {
            try await tenants.act { try $1.permissionGroups.create(name: "g", permissions: [], by: north, on: $0) }
        }
        // North must not hold the reins of itself, nor of its neighbour.
        await Tenants.refuses(.invalid, "group_not_above") { try await assign(ofNorth.id, to: tenants.north, by: root, tenants) }
        await Tenants.refuses(.invalid, "group_not_above") { try await assign(ofNorth.id, to: tenants.south, by: root, tenants) }
        await Tenants.refuses(.notFound, "not_found") { try await tenants.act { try $1.permissionGroups.get(ofNorth.id, by: south, on: $0) } }
        await Tenants.refuses(.notFound, "not_found") {
            try await tenants.act { try $1.permissionGroups.edit(ofNorth.id, name: "mine", by: south, on: $0) }
        }
        await Tenants.refuses(.notFound, "not_found") { try await tenants.act { try $1.permissionGroups.delete(ofNorth.id, by: south, on: $0) } }
        try await assign(ofNorth.id, to: tenants.northEast, by: north, tenants)
        await Tenants.refuses(.conflict, "group_in_use") { try await tenants.act { try $1.permissionGroups.delete(ofNorth.id, by: north, on: $0) } }
        // An account cannot take its own limits away.
        let northEast = try await tenants.caller("north-east")
        await Tenants.refuses(.forbidden, "permission_denied") { try await assign(nil, to: tenants.northEast, by: northEast, tenants) }
        await Tenants.refuses(.forbidden, "own_account") { try await assign(nil, to: tenants.north, by: north, tenants) }
        try await assign(nil, to: tenants.northEast, by: north, tenants)
        try await tenants.act { try $1.permissionGroups.delete(ofNorth.id, by: north, on: $0) }
        #expect(try await tenants.act { try $1.permissionGroups.list(by: root, on: $0) }.items.isEmpty)
    }

    @Test func `what a group above does not show, the account below does not see`() async throws {
        let tenants = try await Tenants.open()
        defer { tenants.close() }
        let root = try await tenants.caller("root")
        let group = try await tenants.act {
            try $1.permissionGroups.create(name: "watched", permissions: [.accountView, .resellersView], by: root, on: $0)
        }
        try await assign(group.id, to: tenants.north, by: root, tenants)
        let north = try await tenants.caller("north")
        let own = try await tenants.act { try $1.accounts.get(north.accountID, by: north, on: $0) }
        #expect(own.permissionGroupID == nil && own.permissionGroupName == nil && own.parentID == nil && own.parentName == nil)
        let seen = try await tenants.act { try $1.accounts.get(north.accountID, by: root, on: $0) }
        #expect(seen.permissionGroupID == group.id && seen.parentID == tenants.root)
    }

    private func assign(_ group: Identifier?, to account: Identifier, by caller: Caller, _ tenants: Tenants) async throws {
        try await tenants.act { connection, business in
            var changes = AccountChanges()
            changes.permissionGroupID = .set(group)
            try business.accounts.edit(account, changes, by: caller, on: connection)
        }
    }
}
