import Glibc
import HTTPClient
import Testing

@Suite(.timeLimit(.minutes(1))) struct FailureTests {
    @Test func `a server that never answers runs out of time`() async throws {
        let server = LoopbackServer { _ in .hang }
        let client = try Loopback.client()
        let started = ContinuousClock.now
        let error = await failure(of: client, ClientRequest(.post, server.url, body: [1], timeout: .milliseconds(300)))
        let took = ContinuousClock.now - started
        #expect(error?.kind == .timedOut(.firstByte))
        #expect(error?.mayHaveArrived == true)
        #expect(took >= .milliseconds(290) && took < .seconds(5))
        try await eventually("the connection is closed") { server.closedByPeer == 1 }
    }

    @Test func `a response that stops in the middle runs out of time`() async throws {
        let server = LoopbackServer { _ in .answer(Array("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345".utf8)) }
        let client = try Loopback.client()
        #expect(await failure(of: client, ClientRequest(.get, server.url, timeout: .milliseconds(300)))?.kind == .timedOut(.body))
    }

    @Test func `a host that swallows connections runs out of time while connecting`() async throws {
        let listener = LoopbackSocket.listen(backlog: 0)
        let port = LoopbackSocket.port(of: listener)
        // The kernel answers no handshake once the queue of a listener is full that nobody accepts from.
        let fillers = (0..<8).map { _ in LoopbackSocket.beginConnect(to: port) }
        defer { for descriptor in fillers + [listener] { close(descriptor) } }
        let client = try Loopback.client()
        let error = await failure(of: client, ClientRequest(.get, "http://127.0.0.1:\(port)/", connectTimeout: .milliseconds(200)))
        #expect(error?.kind == .timedOut(.connect))
        #expect(error?.mayHaveArrived == false)
    }

    @Test func `a closed port fails to connect`() async throws {
        let bound = LoopbackSocket.listen(backlog: nil)
        defer { close(bound) }
        let client = try Loopback.client()
        let error = await failure(of: client, ClientRequest(.get, "http://127.0.0.1:\(LoopbackSocket.port(of: bound))/"))
        #expect(error?.kind == .connectFailed)
        #expect(error?.mayHaveArrived == false)
    }

    @Test(arguments: [
        "", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "hello\r\n\r\n",
        "HTTP/1.1 2", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nX: y\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 99 X\r\n\r\n", "SSH-2.0-OpenSSH\r\n",
    ])
    func `a half or nonsensical response is broken`(text: String) async throws {
        let server = LoopbackServer { _ in .answerAndClose(Array(text.utf8)) }
        let client = try Loopback.client()
        let error = await failure(of: client, ClientRequest(.get, server.url))
        #expect(error?.kind == .brokenResponse)
        #expect(error?.mayHaveArrived == true)
    }

    @Test func `headers without end are broken`() async throws {
        let line = "X-Long: \(String(repeating: "x", count: 1000))\r\n"
        let bytes = Array(("HTTP/1.1 200 OK\r\n" + String(repeating: line, count: 100) + "Content-Length: 0\r\n\r\n").utf8)
        let server = LoopbackServer { _ in .answer(bytes) }
        let client = try Loopback.client()
        #expect(await failure(of: client, ClientRequest(.get, server.url))?.message == "the response's headers are too large")
    }

    @Test func `a server that accepts and says nothing runs out of time in the TLS handshake`() async throws {
        let server = LoopbackServer { _ in .hang }
        let client = try Loopback.client()
        let hanging = await failure(of: client, ClientRequest(.get, "https://127.0.0.1:\(server.port)/", timeout: .milliseconds(300)))
        #expect(hanging?.kind == .timedOut(.tls))
        #expect(hanging?.mayHaveArrived == false)
    }

    @Test func `no time at all is over at once`() async throws {
        let server = LoopbackServer { _ in .hang }
        let client = try Loopback.client()
        guard case .timedOut = await failure(of: client, ClientRequest(.get, server.url, timeout: .zero))?.kind else {
            Issue.record("it was something else")
            return
        }
    }

    @Test func `a cancelled task gets its answer at once and the connection is closed`() async throws {
        let server = LoopbackServer { _ in .hang }
        let client = try Loopback.client()
        let url = server.url
        var fastest = Duration.seconds(100)
        for round in 1...10 {
            let task = Task { await failure(of: client, ClientRequest(.post, url, body: [1], timeout: .seconds(60))) }
            try await eventually("the request arrives") { server.received.count == round }
            let started = ContinuousClock.now
            task.cancel()
            let error = await task.value
            fastest = min(fastest, ContinuousClock.now - started)
            #expect(error?.kind == .cancelled)
            #expect(error?.mayHaveArrived == true)
            try await eventually("the connection is closed") { server.closedByPeer == round }
        }
        // The fastest of ten, because a busy machine may hold any single one up.
        #expect(fastest < .milliseconds(100))
        #expect(client.statistics.inHand == 0)
    }

    @Test func `a task that was cancelled before sends nothing`() async throws {
        let server = LoopbackServer { _ in .answer(LoopbackServer.response()) }
        let client = try Loopback.client()
        let url = server.url
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await failure(of: client, ClientRequest(.get, url))
        }
        #expect(await task.value?.kind == .cancelled)
        #expect(server.accepted == 0)
    }
}
