import Business
import Bytes
import Clocks
import Crypto
import Engine
import HTTPClient
import HTTPServer
import JSON
import Postgres
import Telemetry
import TestSupport

@testable import API

/// A started API on the running test's database, with a small world in it.
///
///     operator (admin) ─┬─ north ─── north-east     (resellers, each with a user of that name)
///                       └─ south                    (a stranger to them)
struct APIRig: Sendable {
    let service: APIService
    let business: Business
    let database: Database
    /// What the service judges webhook URLs with.
    let judge: HTTPClient
    let client: HTTPClient
    let contract: TestContract
    let world: World
    let metrics: MetricRegistry

    struct World: Sendable {
        var root = Identifier.next()
        let north = Identifier.next()
        let northEast = Identifier.next()
        let south = Identifier.next()
        let password = "correct horse battery"
    }

    /// A hundred APIs with their lanes would use up the server's connections.
    private static let permits = Permits(5)

    /// Runs the body with an API, and stops it whatever happens.
    static func run<R>(
        lanes: Int = 3, settings change: (inout APISettings) throws -> Void = { _ in },
        connection: (inout ConnectionSettings) -> Void = { _ in }, _ body: (APIRig) async throws -> R
    ) async throws -> R {
        try await permits.withPermit {
            let rig = try await open(lanes: lanes, settings: change, connection: connection)
            do {
                let result = try await body(rig)
                await rig.close()
                return result
            } catch {
                await rig.close()
                throw error
            }
        }
    }

    static func open(
        lanes: Int = 3, world: World? = nil, settings change: (inout APISettings) throws -> Void = { _ in },
        connection: (inout ConnectionSettings) -> Void = { _ in }
    ) async throws -> APIRig {
        var connectionSettings = try TestDatabase.current.settings
        connection(&connectionSettings)
        let database = Database(connectionSettings, lanes: lanes, name: "api-test")
        var rules = Rules()
        rules.passwordCost = 4
        let business = Business(
            ledger: Ledger(catalog: try Catalog.embedded()), keys: try EncryptionKeys([1: EncryptionKeys.makeKey()]), rules: rules)
        let tokens = try JSONWebToken(keys: [Secret(Array("0123456789abcdef0123456789abcdef".utf8))])
        var settings = APISettings(tokens: tokens)
        settings.server.port = 0
        settings.rateLimit = 0
        settings.loginRateLimit = 0
        settings.eventInterval = .milliseconds(20)
        try change(&settings)
        let judge = HTTPClient()
        let metrics = MetricRegistry()
        let service = APIService(settings, business: business, database: database, http: judge, log: .silent, metrics: metrics)
        try service.start()
        let settled = if let world { world } else { try await populate(database, business) }
        return APIRig(
            service: service, business: business, database: database, judge: judge, client: HTTPClient(), contract: .shared, world: settled,
            metrics: metrics)
    }

    var port: UInt16 { service.port }

    func close() async {
        await service.stop(grace: .seconds(2))
        judge.stop()
        client.stop()
        database.stop()
    }

    private static func populate(_ database: Database, _ business: Business) async throws -> World {
        let draft = World()
        let hash = try await offPool { Result { try business.hash(password: Secret(draft.password)) } }.get()
        return try await database.transaction { connection in
            var world = draft
            guard
                let root = try business.accounts.bootstrapOperator(
                    name: "Operator", currency: "USD", username: "admin", password: hash, on: connection)
            else { throw MissingWorld() }
            world.root = root
            let staff = Caller(accountID: root, role: .superAdmin, permissions: Permission.all(of: .superAdmin))
            for (id, parent, name) in [(world.north, root, "north"), (world.northEast, world.north, "north-east"), (world.south, root, "south")] {
                let user = NewUser(username: name, password: hash)
                try business.accounts.create(NewAccount(.reseller, name: name, id: id, parent: parent, firstUser: user), by: staff, on: connection)
                try business.wallets.topUp(id, Money(micros: 100_000_000), by: staff, on: connection)
            }
            _ = try business.products.create(residential, by: staff, on: connection)
            return world
        }
    }

    private static var residential: ProductDraft {
        get throws {
            ProductDraft(
                code: "residential", name: "Residential", proxyType: .residential,
                pricing: try Pricing(checking: ["model": "perGB", "unitPrice": "1.40"]), countries: ["DE", "US"])
        }
    }

    /// Runs the body in a transaction, past the API.
    func act<R: Sendable>(_ body: @escaping @Sendable (Connection, Business) throws -> R) async throws -> R {
        let business = business
        return try await database.transaction { try body($0, business) }
    }

    func caller(_ account: Identifier) -> Caller { Caller(accountID: account, role: .reseller, permissions: Permission.all(of: .reseller)) }

    func count(_ sql: String) async throws -> Int {
        try await act { connection, _ in try connection.run(.once(sql)).only()(0) }
    }

    /// Delivers a purchase as its job would.
    func deliver(_ job: String) async throws {
        let id = try Identifier(job, prefix: "job").orThrow()
        try await act { connection, business in
            let record = try business.ledger.find(id, on: connection).orThrow()
            _ = try business.plans.completePurchase(record.payload.decode(PlanJobPayload.self), job: id, on: connection)
        }
    }
}

struct MissingWorld: Error {}

extension Optional {
    /// The value, or a failed test.
    func orThrow() throws -> Wrapped {
        guard let self else { throw MissingWorld() }
        return self
    }
}
