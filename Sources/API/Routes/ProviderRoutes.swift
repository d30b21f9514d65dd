internal import Business
internal import Bytes
internal import Crypto

/// Where products come from.
///
/// A provider's key goes in and never comes out.
enum ProviderRoutes {
    static let operations: [String: Operation] = [
        "listProviders": .read { call, connection in .list(try call.business.providers.list(by: call.caller, on: connection).map(\.json)) },
        "getProvider": .read { call, connection in
            .ok(try call.business.providers.find(call.id("providerId"), by: call.caller, on: connection).json)
        },
        "createProvider": .change { call, connection in
            let provider = try call.business.providers.create(
                name: call.body.required("name", call.body.text("name")), baseURL: call.body.required("baseUrl", call.body.text("baseUrl")),
                apiKey: Secret(call.body.required("apiKey", call.body.text("apiKey"))), onLoss: call.body.choice("onLoss") ?? .refuse,
                by: call.caller,
                on: connection)
            return .created(provider.json, at: "/providers/" + provider.id.text("prov"))
        },
        "updateProvider": .change { call, connection in
            .ok(
                try call.business.providers.update(
                    call.id("providerId"), baseURL: call.body.text("baseUrl"), apiKey: call.body.text("apiKey").map { Secret($0) },
                    onLoss: call.body.choice("onLoss"), active: call.body.flag("active"), by: call.caller, on: connection
                ).json)
        },
    ]
}
