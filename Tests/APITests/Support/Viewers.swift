import Business
import Crypto
import HTTPServer
import JSON
import Postgres

@testable import API

extension APIRig {
    /// A viewer of the events with the credentials of a caller, as the stream's handler makes it.
    func viewer(_ caller: APICaller, lifetime: Duration) async throws -> EventViewer {
        let business = business
        let token = try caller.headers.first { $0.0 == "Authorization" }.orThrow().1.dropFirst("Bearer ".count)
        let tokens = try JSONWebToken(keys: [Secret(Array("0123456789abcdef0123456789abcdef".utf8))])
        let credential = try Credential(bearer: String(token), tokens: tokens)
        let admitted = try await database.run { try business.authenticate(credential, from: Origin(ip: "127.0.0.1"), on: $0) }
        return EventViewer(caller: admitted, job: nil, source: EventSource(), lifetime: lifetime) {
            _ = try business.authenticate(credential, from: Origin(ip: "127.0.0.1"), on: $0)
        }
    }
}
