internal import Business
internal import Bytes
internal import Crypto
internal import JSON

/// Keys for programs.
///
/// The key itself is in one answer only.
enum APIKeyRoutes {
    static let operations: [String: Operation] = [
        "listApiKeys": .read { call, connection in
            .list(try call.business.apiKeys.list(of: call.query.id("userId"), by: call.caller, on: connection).map(\.json))
        },
        "createApiKey": .change { call, connection in
            var key = NewAPIKey(name: try call.body.required("name", call.body.text("name")))
            key.permissions = try call.body.texts("permissions").map { names throws(BusinessError) in try Permission.named(names) }
            key.allowedIPs = call.body.texts("allowedIps") ?? []
            key.expiresAt = call.body.time("expiresAt")
            let created = try call.business.apiKeys.create(key, by: call.caller, on: connection)
            return .created(
                ["apiKey": created.key.json, "key": .string(created.secret.reveal)], at: "/api-keys/" + created.key.id.text("key"), shownOnce: "key")
        },
        "getApiKey": .read { call, connection in .ok(try call.business.apiKeys.get(call.id("keyId"), by: call.caller, on: connection).json) },
        "updateApiKey": .change { call, connection in
            var changes = APIKeyChanges()
            changes.name = call.body.text("name")
            changes.isActive = call.body.flag("active")
            changes.allowedIPs = call.body.texts("allowedIps")
            if call.body.has("expiresAt") { changes.expiresAt = .set(call.body.time("expiresAt")) }
            return .ok(try call.business.apiKeys.edit(call.id("keyId"), changes, by: call.caller, on: connection).json)
        },
        "setApiKeyWhitelist": .change { call, connection in
            var changes = APIKeyChanges()
            changes.allowedIPs = call.body.texts("ips")
            return .ok(try call.business.apiKeys.edit(call.id("keyId"), changes, by: call.caller, on: connection).json)
        },
        "deleteApiKey": .change { call, connection in
            try call.business.apiKeys.delete(call.id("keyId"), by: call.caller, on: connection)
            return .done
        },
    ]
}
