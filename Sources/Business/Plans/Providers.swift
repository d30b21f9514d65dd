package import Bytes
package import Clocks
package import Crypto
internal import JSON
package import Postgres

/// Providers: the operator's upstreams.
package struct Providers {
    let business: Business

    /// All providers.
    ///
    /// - Throws: `BusinessError` `permission_denied` (`upstream.view`), `operator_only`.
    package func list(by caller: Caller, on connection: Connection) throws -> [Provider] {
        try caller.require(.upstreamView)
        try Wallets.requireStaff(caller)
        return try connection.run(SQL.Providers.list).map { try Provider($0) }
    }

    /// One provider.
    ///
    /// - Throws: `BusinessError` `permission_denied`, `operator_only`, `not_found`.
    package func find(_ id: Identifier, by caller: Caller, on connection: Connection) throws -> Provider {
        try caller.require(.upstreamView)
        try Wallets.requireStaff(caller)
        return try read(id, on: connection)
    }

    /// Adds an upstream that speaks the reseller API.
    ///
    /// Its key is stored sealed and never shown again.
    ///
    /// - Throws: `BusinessError` `permission_denied` (`products.edit`), `operator_only`, `invalid_provider`, `name_taken`.
    package func create(
        name: String, baseURL: String, apiKey: Secret<String>, onLoss: LossRule = .refuse, by caller: Caller, on connection: Connection,
        now: Instant = .now
    ) throws -> Provider {
        try requireEditor(caller)
        guard (1...100).contains(name.count) else {
            throw BusinessError(.invalid, "invalid_provider", "A name has 1–100 characters.", field: "/name")
        }
        try Self.check(baseURL)
        let id = Identifier.next()
        let rows = try connection.run(
            SQL.Providers.insert, id, name, Product.Driver.resellerAPI, baseURL, try seal(apiKey, id), onLoss, true, now)
        if rows.isEmpty { throw BusinessError(.conflict, "name_taken", "Another provider has this name.", field: "/name") }
        let provider = try read(id, on: connection)
        try business.audit.write(
            action: "provider.create", resource: (type: "provider", id: id), account: caller.accountID, by: caller, after: provider.json,
            on: connection)
        return provider
    }

    /// Changes an upstream's address, key, rule about losses or whether it is used; nil leaves it.
    ///
    /// - Throws: `BusinessError` as `create`, and `not_found`.
    package func update(
        _ id: Identifier, baseURL: String? = nil, apiKey: Secret<String>? = nil, onLoss: LossRule? = nil, active: Bool? = nil, by caller: Caller,
        on connection: Connection
    ) throws -> Provider {
        try requireEditor(caller)
        if let baseURL { try Self.check(baseURL) }
        let before = try read(id, on: connection)
        try connection.run(SQL.Providers.update, id, baseURL, try apiKey.map { try seal($0, id) }, onLoss, active)
        let after = try read(id, on: connection)
        try business.audit.write(
            action: "provider.update", resource: (type: "provider", id: id), account: caller.accountID, by: caller, before: before.json,
            after: after.json, metadata: apiKey == nil ? nil : ["apiKey": "changed"], on: connection)
        return after
    }

    /// What a driver needs, with the key opened; for jobs only.
    ///
    /// - Throws: `BusinessError` `not_found`, `provider_unavailable` for one that is switched off or has no key; `CryptoError`.
    package func access(_ id: Identifier, on connection: Connection) throws -> ProviderAccess {
        guard let row = try connection.run(SQL.Providers.access, id).first else { throw BusinessError.notFound("provider") }
        let sealed: [UInt8]? = try row("api_key")
        let baseURL: String? = try row("base_url")
        guard try row("active"), let sealed, let baseURL else {
            throw BusinessError(.unavailable, "provider_unavailable", "The provider is switched off or not set up.")
        }
        return ProviderAccess(
            id: id, name: try row("name"), baseURL: baseURL, apiKey: try business.keys.openText(sealed, associated: Self.associated(id)),
            onLoss: try row("on_loss"))
    }

    private func read(_ id: Identifier, on connection: Connection) throws -> Provider {
        guard let row = try connection.run(SQL.Providers.find, id).first else { throw BusinessError.notFound("provider") }
        return try Provider(row)
    }

    private func seal(_ key: Secret<String>, _ id: Identifier) throws -> [UInt8] {
        try business.keys.seal(key, associated: Self.associated(id)).bytes
    }

    private static func associated(_ id: Identifier) -> String { "providers.api_key:\(id)" }

    private static func check(_ baseURL: String) throws(BusinessError) {
        let isWeb = baseURL.hasPrefix("https://") || baseURL.hasPrefix("http://")
        guard isWeb, baseURL.utf8.count <= 500, baseURL.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), !baseURL.contains("@") else {
            throw BusinessError(.invalid, "invalid_provider", "The base URL begins with https:// and has no user name in it.", field: "/baseUrl")
        }
    }

    private func requireEditor(_ caller: Caller) throws(BusinessError) {
        try caller.require(.productsEdit)
        try Wallets.requireStaff(caller)
    }
}

extension Business {
    package var providers: Providers { Providers(business: self) }
}
