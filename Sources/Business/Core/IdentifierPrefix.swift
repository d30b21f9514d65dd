/// The type prefixes of identifiers in the API, one per kind of thing.
package enum IdentifierPrefix {
    /// The prefix of a resource type as the audit log names it.
    package static func of(resource: String) -> String {
        switch resource {
        case "account": "acct"
        case "user": "user"
        case "session": "sess"
        case "api_key": "key"
        case "permission_group": "group"
        case "wallet": "wallet"
        case "wallet_entry": "entry"
        case "wallet_hold": "hold"
        case "product": "prod"
        case "provider": "prov"
        case "price_check": "check"
        case "plan": "plan"
        case "webhook_endpoint": "we"
        case "webhook_event": "evt"
        case "webhook_delivery": "msg"
        case "job": "job"
        default: "id"
        }
    }
}
