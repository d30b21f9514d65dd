internal import HTTPServer
internal import Testing

/// A client that takes too much, or too long, costs one slot and no more.
struct LimitTests {
    private static let echo: Server.Handler = { Response(200, body: .bytes($0.body)) }

    private static func settings(_ change: (inout ServerSettings) -> Void) -> ServerSettings {
        var settings = ServerSettings()
        change(&settings)
        return settings
    }

    @Test func `a body that announces too much is refused, and the client can read why`() async throws {
        let log = Log()
        try await withServer(settings: Self.settings { $0.maxBodyBytes = 1000 }, log: log, Self.echo) { server in
            let response = try await fetch(server, "POST", "/", body: String(repeating: "x", count: 200_000))
            #expect(response.status == 413)
            #expect(response.text.contains(#""code":"body_too_large""#))
            #expect(try await fetch(server, "POST", "/", body: String(repeating: "x", count: 1000)).status == 200)
        }
        #expect(log.all.map(\.status) == [413, 200])
    }

    @Test func `a body of gigabytes is refused before it is sent`() async throws {
        try await withServer(settings: Self.settings { $0.maxBodyBytes = 1000 }, Self.echo) { server in
            let port = server.port
            try await onThread {
                let client = try RawClient(port: port)
                try client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n")
                #expect(try client.response().status == 413)
                #expect(client.isClosed())
                let asking = try RawClient(port: port)
                try asking.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\nExpect: 100-continue\r\n\r\n")
                #expect(try asking.response().status == 413)
            }
        }
    }

    @Test func `a chunked body that grows too large is refused at its end, and one without end is cut`() async throws {
        try await withServer(settings: Self.settings { $0.maxBodyBytes = 100_000 }, Self.echo) { server in
            let port = server.port
            try await onThread {
                let chunk = "8000\r\n" + String(repeating: "y", count: 0x8000) + "\r\n"
                let client = try RawClient(port: port)
                try client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
                for _ in 0..<10 { try client.send(chunk) }
                try client.send("0\r\n\r\n")
                #expect(try client.response().status == 413)
                try client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok")
                #expect(try client.response().text == "ok")

                let endless = try RawClient(port: port)
                try endless.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
                #expect(throws: WireError.self) {
                    for _ in 0..<2000 { try endless.send(chunk) }
                }
            }
        }
    }

    @Test func `one path may take more than the others`() async throws {
        let settings = Self.settings {
            $0.maxBodyBytes = 10
            $0.bodyLimit = { method, path in method == .post && path == "/import" ? 1000 : nil }
        }
        try await withServer(settings: settings, Self.echo) { (server) async throws in
            let body = String(repeating: "z", count: 500)
            #expect(try await fetch(server, "POST", "/import", body: body).status == 200)
            #expect(try await fetch(server, "POST", "/other", body: body).status == 413)
        }
    }

    @Test func `header fields without end are refused`() async throws {
        let log = Log()
        try await withServer(log: log, Self.echo) { (server) async throws in
            #expect(try await fetch(server, "GET", "/", "X-Long: \(String(repeating: "a", count: 60_000))\r\n").status == 431)
            #expect(try await fetch(server, "GET", "/" + String(repeating: "a", count: 60_000)).status == 414)
            #expect(try await fetch(server, "GET", "/", "X-Long: \(String(repeating: "a", count: 8000))\r\n").status == 200)
        }
        #expect(Set(log.all.map(\.status)).isSuperset(of: [431, 200]))
    }

    @Test func `an address or header fields that are too large are refused with a problem document`() async throws {
        let log = Log()
        try await withServer(log: log, Self.echo) { (server) async throws in
            let fitting = try await fetch(server, "GET", "/?" + String(repeating: "a", count: 8190))
            #expect(fitting.status == 200)
            for length in [8193, 12_000, 30_000] {
                let long = try await fetch(server, "GET", "/" + String(repeating: "a", count: length - 1))
                #expect(long.status == 414 && long.text.contains(#""code":"uri_too_long""#), "\(length)")
                #expect(long["Content-Type"] == "application/problem+json", "\(length)")
            }
            for length in [16_385, 30_000] {
                let large = try await fetch(server, "GET", "/", "X-Long: \(String(repeating: "a", count: length))\r\n")
                #expect(large.status == 431 && large.text.contains(#""code":"headers_too_large""#), "\(length)")
            }
            let many = (0..<300).map { "X-Field-\($0): \(String(repeating: "b", count: 60))\r\n" }.joined()
            #expect(try await fetch(server, "GET", "/", many).status == 431)
            // With a body behind it: the answer is read all the same.
            let posted = try await fetch(server, "POST", "/" + String(repeating: "a", count: 9000), body: String(repeating: "x", count: 20_000))
            #expect(posted.status == 414 && posted.text.contains("uri_too_long"))
        }
        #expect(Set(log.all.map(\.status)) == [200, 414, 431])
    }

    @Test func `a connection that asks nothing is closed, also one that asks a letter at a time`() async throws {
        let settings = Self.settings { $0.idleTimeout = .milliseconds(150) }
        try await withServer(settings: settings, Self.echo) { server in
            let port = server.port
            try await onThread {
                let silent = try RawClient(port: port)
                let usedOnce = try RawClient(port: port)
                try usedOnce.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(try usedOnce.response().status == 200)
                let slow = try RawClient(port: port)
                var letters = 0
                while letters < 1000, !slow.hasSomething(within: 10) {
                    try slow.send("G")
                    letters += 1
                }
                #expect(letters < 1000)
                #expect(slow.isClosed())
                #expect(silent.isClosed())
                #expect(usedOnce.isClosed())
            }
            try await happens { server.connectionCount == 0 }
        }
    }

    @Test func `a request that does not end in time is cut`() async throws {
        let log = Log()
        try await withServer(settings: Self.settings { $0.requestTimeLimit = .milliseconds(150) }, log: log, Self.echo) { server in
            let port = server.port
            try await onThread {
                let head = try RawClient(port: port)
                try head.send("GET / HTTP/1.1\r\nHost: x\r\n")
                let body = try RawClient(port: port)
                try body.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
                #expect(head.isClosed())
                #expect(body.isClosed())
            }
            try await happens { log.all.count == 2 }
        }
        #expect(log.all.allSatisfy { $0.status == 408 && $0.outcome == .aborted })
    }

    @Test func `a handler that takes too long is cancelled and answered for`() async throws {
        let cancelled = Signal()
        let never = Signal()
        let handler: Server.Handler = { request in
            if request.rawPath == "/deaf" {
                await never.wait()
            } else {
                try? await Task.sleep(for: .seconds(60))
                if Task.isCancelled { cancelled.give() }
            }
            return .text("too late")
        }
        let log = Log()
        try await withServer(settings: Self.settings { $0.requestTimeLimit = .milliseconds(100) }, log: log, handler) { server in
            let port = server.port
            try await onThread {
                let client = try RawClient(port: port)
                for path in ["/", "/deaf"] {
                    try client.send("GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n")
                    let response = try client.response()
                    #expect(response.status == 504)
                    #expect(response.text.contains(#""code":"request_timeout""#))
                }
            }
            await cancelled.wait()
            never.give()
        }
        #expect(log.all.map(\.status) == [504, 504])
    }

    @Test func `one address has only so many connections`() async throws {
        try await withServer(settings: Self.settings { $0.connectionsPerAddress = 3 }, Self.echo) { server in
            let port = server.port
            try await onThread {
                var clients = try (0..<3).map { _ in try RawClient(port: port) }
                for client in clients {
                    try client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                    #expect(try client.response().status == 200)
                }
                #expect(try RawClient(port: port).isClosed())
                clients.removeLast()
            }
            try await happens { server.connectionCount == 0 }
            #expect(try await fetch(server).status == 200)
        }
    }

    @Test func `beyond the limit of all connections clients wait until there is room`() async throws {
        try await withServer(settings: Self.settings { $0.connectionLimit = 2 }, Self.echo) { server in
            let port = server.port
            try await onThread {
                var served = try (0..<2).map { _ in try RawClient(port: port) }
                for client in served {
                    try client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                    #expect(try client.response().status == 200)
                }
                let waiting = try RawClient(port: port)
                try waiting.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(!waiting.hasSomething(within: 50))
                served.removeLast()
                #expect(try waiting.response().status == 200)
                #expect(served.count == 1)
            }
        }
    }
}
