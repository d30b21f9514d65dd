import Faults
import HTTPClient
import Testing

@Suite(.timeLimit(.minutes(1))) struct ExchangeTests {
    @Test func `a response comes back with status, headers and body`() async throws {
        let server = LoopbackServer { _ in
            .answer(LoopbackServer.response("429 Slow Down", headers: ["Retry-After:  7 ", "X-Two: a", "x-two: b"], "busy"))
        }
        let client = try Loopback.client()
        let response = try await client.send(ClientRequest(.get, server.url + "/hook?a=b"))
        #expect(response.status == 429)
        #expect(response.headers["retry-after"] == "7")
        #expect(response.headers.all("X-TWO") == ["a", "b"])
        #expect(response.headers["absent"] == nil)
        #expect(String(decoding: response.body, as: UTF8.self) == "busy")
        #expect(!response.truncated)
        #expect(response.remoteAddress == IPAddress("127.0.0.1"))
        #expect(response.timings.total >= response.timings.firstByte && response.timings.firstByte > 0)
    }

    @Test func `what is sent is exactly what was given`() async throws {
        let server = LoopbackServer { _ in .answer(LoopbackServer.response()) }
        let client = try Loopback.client()
        let headers: HeaderFields = [
            "Content-Type": "application/json", "webhook-id": "msg_1", "X-Empty": "", "X-Same": "1", "X-same": "2",
            "Webhook-Signature": "v1,a= v1,b=",
        ]
        _ = try await client.send(ClientRequest(.post, server.url + "/a/../b?c=%20", headers: headers, body: Array("{}".utf8)))
        let lines = server.received[0].head.split(separator: "\r\n", omittingEmptySubsequences: false).map(String.init)
        #expect(
            lines == [
                "POST /a/../b?c=%20 HTTP/1.1", "Host: 127.0.0.1:\(server.port)", "User-Agent: Millrace", "Content-Type: application/json",
                "webhook-id: msg_1",
                "X-Empty:", "X-Same: 1", "X-same: 2", "Webhook-Signature: v1,a= v1,b=", "Content-Length: 2",
            ])
    }

    @Test func `every method arrives as itself`() async throws {
        let server = LoopbackServer { request in
            .answer(
                request.head.hasPrefix("HEAD")
                    ? Array("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n".utf8) : LoopbackServer.response("200 OK", "12345"))
        }
        let client = try Loopback.client()
        for method in ClientRequest.Method.allCases {
            let response = try await client.send(ClientRequest(method, server.url, headers: ["User-Agent": "own"]))
            #expect(response.body.count == (method == .head ? 0 : 5), "\(method)")
        }
        let heads = server.received.map(\.head)
        #expect(heads.map { $0.split(separator: " ")[0] } == ClientRequest.Method.allCases.map { Substring($0.rawValue) })
        let withLength = heads.filter { $0.contains("Content-Length: 0") }.map { $0.split(separator: " ")[0] }
        #expect(withLength == ["POST", "PUT", "PATCH"])
        #expect(heads.allSatisfy { $0.contains("User-Agent: own") && !$0.contains("Accept") && !$0.contains("Millrace") })
        #expect(client.statistics.connections == 1)
    }

    @Test(arguments: [1, 1023, 1024 * 1024 + 1, 5_000_000])
    func `a body arrives byte by byte as it was`(count: Int) async throws {
        let server = LoopbackServer { _ in .answer(LoopbackServer.response()) }
        let client = try Loopback.client()
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        let body = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        _ = try await client.send(ClientRequest(.post, server.url, body: body, timeout: .seconds(30)))
        #expect(server.received[0].body == body, "seed \(seed)")
        #expect(!server.received[0].head.contains("Expect"))
    }

    @Test(arguments: [
        (10, 10, false), (10, 9, true), (10, 0, true), (0, 0, false), (300_000, 299_999, true), (300_000, 1000, true), (300_000, 300_000, false),
    ])
    func `a response is cut at its limit and says so`(length: Int, limit: Int, cut: Bool) async throws {
        let text = String(repeating: "x", count: length)
        let server = LoopbackServer { _ in .answer(LoopbackServer.response("200 OK", text)) }
        let client = try Loopback.client()
        let response = try await client.send(ClientRequest(.get, server.url, maximumResponseBytes: limit))
        #expect(response.body.count == min(length, limit))
        #expect(response.truncated == cut)
    }

    @Test func `an endless response is cut and its connection closed`() async throws {
        let head = Array("HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n".utf8) + Array(repeating: UInt8(ascii: "x"), count: 4_000_000)
        let server = LoopbackServer { _ in .answer(head) }
        let client = try Loopback.client()
        let response = try await client.send(ClientRequest(.get, server.url, maximumResponseBytes: 1000))
        #expect(response.truncated && response.body.count == 1000)
        try await eventually("the connection is closed") { server.closedByPeer == 1 }
    }

    @Test func `a redirect is a response`() async throws {
        let target = LoopbackServer { _ in .answer(LoopbackServer.response()) }
        let location = target.url
        let server = LoopbackServer { _ in .answer(LoopbackServer.response("302 Found", headers: ["Location: \(location)/inside"])) }
        let client = try Loopback.client()
        let response = try await client.send(ClientRequest(.post, server.url, body: [1]))
        #expect(response.status == 302)
        #expect(response.headers["location"] == location + "/inside")
        #expect(target.accepted == 0)
    }

    @Test func `interim responses and trailers are not the response`() async throws {
        let bytes =
            "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nX-Real: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n"
        let server = LoopbackServer { _ in .answer(Array(bytes.utf8)) }
        let client = try Loopback.client()
        let response = try await client.send(ClientRequest(.get, server.url))
        #expect(response.status == 200)
        #expect(response.headers.fields.map(\.name) == ["X-Real", "Transfer-Encoding"])
        #expect(response.body == Array("abc".utf8))
    }

    @Test func `a connection is used again, unless the request wants its own`() async throws {
        let server = LoopbackServer { _ in .answer(LoopbackServer.response()) }
        let client = try Loopback.client()
        for _ in 0..<5 { _ = try await client.send(ClientRequest(.post, server.url, body: [1])) }
        #expect(server.accepted == 1)
        let own = try await client.send(ClientRequest(.post, server.url, body: [1], freshConnection: true))
        #expect(server.accepted == 2)
        #expect(own.timings.connect >= 0)
        let again = try await client.send(ClientRequest(.get, server.url))
        #expect(again.timings.connect == 0)
        #expect(client.statistics.connections == 2)
    }

    @Test(arguments: [
        ("X\r\nY", "1"), ("X", "1\r\nY: 2"), ("X", "a\u{0}b"), ("X", "\n"), ("", "1"), ("X Y", "1"), ("X:", "1"), ("Host", "other"),
        ("content-length", "5"),
        ("Transfer-Encoding", "chunked"), ("Connection", "close"), ("Expect", "100-continue"), ("Ä", "1"),
    ])
    func `a header that would change the message is refused`(name: String, value: String) async throws {
        let client = try Loopback.client()
        var headers = HeaderFields()
        headers.add(name, value)
        #expect(await failure(of: client, ClientRequest(.get, "http://127.0.0.1:9999/", headers: headers))?.kind == .invalidRequest)
        #expect(client.statistics.connections == 0)
    }
}
