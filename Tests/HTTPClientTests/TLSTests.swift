import HTTPClient
import Lanes
import Testing

@Suite(.timeLimit(.minutes(1)), .enabled(if: TLSServer.isAvailable, "the openssl tool is not installed"))
struct TLSTests {
    private static let lanes = LanePool<Void>("tls-test", count: 1) { _ in () }

    @Test func `a certificate is checked against the URL's name although the address is pinned`() async throws {
        let server = try await Self.lanes.run { _ in try TLSServer() }
        let names = ScriptedNames(["127.0.0.1"])
        let client = try Loopback.client(resolver: names.resolver) { $0.certificateAuthorities = server.authority }
        let response = try await client.send(ClientRequest(.get, "https://hooks.example:\(server.port)/"))
        #expect(response.status == 200)
        #expect(response.timings.tls > 0)
        #expect(response.remoteAddress == IPAddress("127.0.0.1"))

        let wrongName = await failure(of: client, ClientRequest(.get, "https://else.example:\(server.port)/"))
        #expect(wrongName?.kind == .tls)
        #expect(wrongName?.mayHaveArrived == false)
        let wrongAddress = await failure(of: client, ClientRequest(.get, "https://127.0.0.1:\(server.port)/"))
        #expect(wrongAddress?.kind == .tls)
    }

    @Test func `an unknown authority is not believed`() async throws {
        let server = try await Self.lanes.run { _ in try TLSServer() }
        let names = ScriptedNames(["127.0.0.1"])
        let client = try Loopback.client(resolver: names.resolver)
        let error = await failure(of: client, ClientRequest(.get, "https://hooks.example:\(server.port)/"))
        #expect(error?.kind == .tls)
        #expect(error?.message.contains("127.0.0.1") == false)
    }

    @Test func `an authorities' file that is missing believes nobody`() async throws {
        let server = try await Self.lanes.run { _ in try TLSServer() }
        let names = ScriptedNames(["127.0.0.1"])
        let client = try Loopback.client(resolver: names.resolver) { $0.certificateAuthorities = "/nonexistent/authorities.pem" }
        #expect(await failure(of: client, ClientRequest(.get, "https://hooks.example:\(server.port)/"))?.kind == .tls)
    }
}
