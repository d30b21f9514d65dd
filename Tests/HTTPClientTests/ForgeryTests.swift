import HTTPClient
import Lanes
import Testing

/// Server-side request forgery: a tenant's URL against the machine behind the client.
///
/// What counts is that no socket is opened.
@Suite(.timeLimit(.minutes(1))) struct ForgeryTests {
    @Test func `no URL of the corpus makes a connection`() async throws {
        let client = HTTPClient()
        for (url, problem) in URLCorpus.malformed {
            #expect(await failure(of: client, ClientRequest(.post, url, body: [1], timeout: .seconds(2)))?.kind == .invalidURL(problem), "\(url)")
        }
        for url in URLCorpus.inward {
            let error = await failure(of: client, ClientRequest(.post, url, body: [1], timeout: .seconds(2)))
            guard case .refusedAddress = error?.kind else {
                Issue.record("\(url) ended in \(String(describing: error))")
                continue
            }
        }
        #expect(client.statistics.connections == 0 && client.statistics.lookups == 0)
    }

    @Test(arguments: AddressCorpus.refused)
    func `a name that leads inside makes no connection and tells nothing`(address: String, refusal: AddressGuard.Refusal) async throws {
        let names = ScriptedNames([address])
        let client = HTTPClient(resolver: names.resolver)
        let error = await failure(of: client, ClientRequest(.post, "https://hooks.example/", body: [1], timeout: .seconds(2)))
        #expect(error?.kind == .refusedAddress(refusal))
        #expect(error?.message == "the URL's host does not lead to the public internet")
        #expect(client.statistics.connections == 0)
    }

    @Test(arguments: [["127.0.0.1", "127.0.0.2"], ["127.0.0.2", "127.0.0.1"], ["127.0.0.1", "::1"], ["127.0.0.1", "8.8.8.8", "169.254.169.254"]])
    func `a mixed answer is refused whole`(answer: [String]) async throws {
        let server = LoopbackServer { _ in .answer(LoopbackServer.response()) }
        let script = ScriptedNames(answer)
        let client = try Loopback.client(resolver: script.resolver)
        let error = await failure(of: client, ClientRequest(.get, "http://hooks.example:\(server.port)/"))
        guard case .refusedAddress = error?.kind else {
            Issue.record("it ended in \(String(describing: error))")
            return
        }
        #expect(server.accepted == 0 && client.statistics.connections == 0)
    }

    @Test func `a name server that changes its mind is asked once per request and believed once`() async throws {
        let server = LoopbackServer { _ in .answer(LoopbackServer.response()) }
        let names = ScriptedNames(["127.0.0.1"], ["127.0.0.2"])
        let client = try Loopback.client(resolver: names.resolver)
        let url = "http://rebind.example:\(server.port)/"
        let first = try await client.send(ClientRequest(.get, url))
        #expect(first.remoteAddress == IPAddress("127.0.0.1"))
        #expect(names.asked == ["rebind.example"])
        #expect(server.received[0].head.contains("Host: rebind.example:\(server.port)"))
        // The kept connection to the good address stands, but the name does not lead there any more.
        let second = await failure(of: client, ClientRequest(.get, url))
        #expect(second?.kind == .refusedAddress(.loopback))
        #expect(server.received.count == 1 && client.statistics.connections == 1)
    }

    @Test func `a kept connection is not used for a name that leads elsewhere now`() async throws {
        let server = LoopbackServer { _ in .answer(LoopbackServer.response()) }
        let names = ScriptedNames(["127.0.0.1"], ["127.0.0.1"], ["127.0.0.3"], ["127.0.0.3"], ["127.0.0.1"])
        let client = try Loopback.client(resolver: names.resolver)
        var addresses: [String] = []
        for _ in 0..<5 {
            addresses.append(try await client.send(ClientRequest(.get, "http://moving.example:\(server.port)/")).remoteAddress.description)
        }
        #expect(addresses == ["127.0.0.1", "127.0.0.1", "127.0.0.3", "127.0.0.3", "127.0.0.1"])
        #expect(server.received.map(\.connection) == [1, 1, 2, 2, 1])
    }

    @Test func `an address that does not accept is followed by the next judged one`() async throws {
        let server = LoopbackServer(on: "127.0.0.3") { _ in .answer(LoopbackServer.response()) }
        let names = ScriptedNames(["127.0.0.1", "127.0.0.3"])
        let client = try Loopback.client(resolver: names.resolver)
        let response = try await client.send(ClientRequest(.get, "http://two.example:\(server.port)/"))
        #expect(response.remoteAddress == IPAddress("127.0.0.3"))
    }

    @Test func `checking a URL judges it as sending would, without a connection`() async throws {
        let server = LoopbackServer { _ in .answer(LoopbackServer.response()) }
        let names = ScriptedNames(["127.0.0.1"], ["10.0.0.1"], [])
        let client = try Loopback.client(resolver: names.resolver)
        let url = "HTTP://Hooks.Example.:\(server.port)"
        #expect(try await client.check(url).description == "http://hooks.example:\(server.port)/")
        await #expect(throws: HTTPClientError.self) { try await client.check(url) }
        do throws(HTTPClientError) {
            try await client.check(url)
            Issue.record("a name without an address was taken")
        } catch {
            #expect(error.kind == .nameNotResolved)
        }
        #expect(server.accepted == 0 && client.statistics.connections == 0)
    }

    @Test func `the operator's own URLs may lead inside`() async throws {
        let server = LoopbackServer { _ in .answer(LoopbackServer.response()) }
        let client = HTTPClient()
        #expect(await failure(of: client, ClientRequest(.get, server.url))?.kind == .refusedAddress(.loopback))
        #expect(try await client.send(ClientRequest(.get, server.url, destination: .trusted)).status == 200)
        #expect(await failure(of: client, ClientRequest(.get, "http://a@127.0.0.1/", destination: .trusted))?.kind == .invalidURL(.userInformation))
        // A connection that the operator's request has left is not a door for a tenant's.
        #expect(await failure(of: client, ClientRequest(.get, server.url))?.kind == .refusedAddress(.loopback))
        #expect(server.received.count == 1)
    }

    @Test func `the system resolves the name of this machine, and it is refused`() async throws {
        let client = HTTPClient()
        #expect(await failure(of: client, ClientRequest(.get, "http://localhost/"))?.kind == .refusedAddress(.loopback))
    }

    @Test func `a kept answer is judged anew`() async throws {
        let server = LoopbackServer { _ in .answer(LoopbackServer.response()) }
        let names = ScriptedNames(["127.0.0.2"])
        let client = try Loopback.client(resolver: names.resolver) { $0.lookupLifetime = .seconds(600) }
        let url = "http://hooks.example:\(server.port)/"
        #expect(try await client.send(ClientRequest(.get, url, destination: .trusted)).status == 200)
        #expect(await failure(of: client, ClientRequest(.get, url))?.kind == .refusedAddress(.loopback))
        #expect(names.asked.count == 1 && server.received.count == 1)
    }

    @Test func `requests for one name at the same time ask once`() async throws {
        let server = LoopbackServer { _ in .hold }
        let names = ScriptedNames(["127.0.0.1"])
        let client = try Loopback.client(resolver: names.resolver) { $0.lookupLifetime = .seconds(600) }
        let url = "http://hooks.example:\(server.port)/"
        let tasks = (0..<50).map { _ in Task { try await client.send(ClientRequest(.get, url)).status } }
        try await eventually("all requests arrive") { server.received.count == 50 }
        server.release(LoopbackServer.response())
        for task in tasks { #expect(try await task.value == 200) }
        #expect(names.asked.count == 1)
        #expect(client.statistics.lookups == 1)
    }

    @Test func `a name server that hangs holds up only its own names`() async throws {
        let gate = Mailbox<Never>()
        defer { gate.close() }
        let server = LoopbackServer { _ in .answer(LoopbackServer.response()) }
        let address = try #require(IPAddress("127.0.0.1"))
        let resolver = Resolver { host in
            if host == "hang.example" { _ = gate.take() }
            return .success([address])
        }
        let client = try Loopback.client(resolver: resolver) { $0.lookupTimeout = .milliseconds(200) }
        let port = server.port
        async let hanging = failure(of: client, ClientRequest(.get, "http://hang.example:\(port)/"))
        #expect(try await client.send(ClientRequest(.get, "http://good.example:\(port)/")).status == 200)
        #expect(await hanging?.kind == .timedOut(.lookup))
        #expect(client.statistics.inHand == 0)
    }
}
