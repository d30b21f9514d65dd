internal import Bytes
internal import Faults
internal import HTTPServer
internal import Testing

/// What goes over one connection, told with raw bytes.
struct ConversationTests {
    static let router: Router = {
        var router = Router()
        router.add(.get, "/hello") { .text("hello " + ($0.query["name"] ?? "")) }
        router.add(.post, "/echo") { Response(200, headers: ["Content-Type": "application/octet-stream"], body: .bytes($0.body)) }
        router.add(.get, "/who/{id}") { .text("\($0.clientAddress) \($0.parameters["id"] ?? "") \($0.headers["X-Mine"] ?? "")") }
        router.add(.get, "/later") { _ in
            for _ in 0..<20 { await Task.yield() }
            return .text("later")
        }
        return router
    }()

    @Test func `a connection serves one request after another`() async throws {
        let log = Log()
        try await withServer(log: log, Self.router.respond) { server in
            let port = server.port
            try await onThread {
                let client = try RawClient(port: port)
                for number in 0..<50 {
                    try client.send("GET /hello?name=n\(number) HTTP/1.1\r\nHost: x\r\n\r\n")
                    let response = try client.response()
                    #expect(response.status == 200)
                    #expect(response.text == "hello n\(number)")
                    #expect(response["Content-Type"] == "text/plain; charset=utf-8")
                    #expect(response["X-Request-Id"].flatMap { Identifier($0) } != nil)
                }
            }
        }
        #expect(log.all.count == 50)
        #expect(log.all.allSatisfy { $0.status == 200 && $0.outcome == .completed && $0.route == "/hello" && $0.bytesSent >= 8 })
        #expect(log.all.allSatisfy { $0.rawPath == "/hello" && $0.method == .get && $0.duration > .zero && $0.duration < .seconds(20) })
        #expect(Set(log.all.map(\.id)).count == 50)
    }

    @Test func `pipelined requests are answered in their order`() async throws {
        try await withServer(Self.router.respond) { server in
            let port = server.port
            try await onThread {
                let client = try RawClient(port: port)
                var text = ""
                for number in 0..<40 {
                    text += number % 2 == 0 ? "GET /later HTTP/1.1\r\nHost: x\r\n\r\n" : "GET /hello?name=\(number) HTTP/1.1\r\nHost: x\r\n\r\n"
                    text += "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nb\(10 + number)"
                }
                try client.send(text)
                for number in 0..<40 {
                    #expect(try client.response().text == (number % 2 == 0 ? "later" : "hello \(number)"))
                    #expect(try client.response().text == "b\(10 + number)")
                }
            }
        }
    }

    @Test func `HEAD gets the head of GET and nothing else`() async throws {
        try await withServer(Self.router.respond) { server in
            let port = server.port
            try await onThread {
                let client = try RawClient(port: port)
                try client.send("HEAD /hello?name=you HTTP/1.1\r\nHost: x\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
                let head = try client.response(toHead: true)
                #expect(head.status == 200)
                #expect(head["Content-Length"] == "9")
                #expect(try client.response().text == "hello ")
            }
        }
    }

    @Test func `what is not there, and what is not allowed, is said as a problem`() async throws {
        let log = Log()
        try await withServer(log: log, Self.router.respond) { server in
            let missing = try await fetch(server, "GET", "/nowhere")
            #expect(missing.status == 404)
            #expect(missing["Content-Type"] == "application/problem+json")
            #expect(missing.text.contains(#""code":"not_found""#))
            let wrong = try await fetch(server, "PUT", "/echo", body: "x")
            #expect(wrong.status == 405)
            #expect(wrong["Allow"] == "OPTIONS, POST")
            #expect(wrong.text.contains(#""code":"method_not_allowed""#))
            let options = try await fetch(server, "OPTIONS", "/hello")
            #expect(options.status == 204)
            #expect(options["Allow"] == "GET, HEAD, OPTIONS")
            #expect(try await fetch(server, "OPTIONS", "*").status == 204)
            #expect(try await fetch(server, "BREW", "/hello").status == 405)
            #expect(try await fetch(server, "GET", "/%zz").text.contains(#""code":"bad_request""#))
        }
        // Each came over a connection of its own: which is noted first when two are answered is nobody's promise.
        #expect(log.all.map(\.status).sorted() == [204, 204, 400, 404, 405, 405])
        #expect(log.all.allSatisfy { $0.route == nil })
    }

    @Test func `a request carries its client, its parameters and its fields`() async throws {
        try await withServer(Self.router.respond) { server in
            let response = try await fetch(server, "GET", "/who/a%2fb%C3%A4", "x-mine: yes\r\n")
            #expect(response.text == "127.0.0.1 a/bä yes")
        }
    }

    @Test func `a body arrives whole, by length and by chunks, in any pieces`() async throws {
        try await withServer(Self.router.respond) { server in
            let port = server.port
            let seed = UInt64.random(in: 0...UInt64.max)
            print("seed \(seed)")
            try await onThread {
                var random = SeededGenerator(seed: seed)
                let client = try RawClient(port: port)
                for _ in 0..<20 {
                    let body = (0..<Int.random(in: 1...200_000, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
                    var message: [UInt8]
                    if Bool.random(using: &random) {
                        message = Array("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.count)\r\n\r\n".utf8) + body
                    } else {
                        message = Array("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
                        var rest = body[...]
                        while !rest.isEmpty {
                            let piece = rest.prefix(Int.random(in: 1...70_000, using: &random))
                            message += Array("\(String(piece.count, radix: 16))\r\n".utf8) + piece + Array("\r\n".utf8)
                            rest = rest.dropFirst(piece.count)
                        }
                        message += "0\r\n\r\n".utf8
                    }
                    var rest = message[...]
                    while !rest.isEmpty {
                        let piece = rest.prefix(Int.random(in: 1...60_000, using: &random))
                        try client.send(Array(piece))
                        rest = rest.dropFirst(piece.count)
                    }
                    #expect(try client.response().body == body)
                }
            }
        }
    }

    @Test func `a client that asks first is told to go on`() async throws {
        try await withServer(Self.router.respond) { server in
            let port = server.port
            try await onThread {
                let client = try RawClient(port: port)
                try client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
                #expect(try client.head().status == 100)
                try client.send("hello")
                #expect(try client.response().text == "hello")
            }
        }
    }

    @Test func `an old client gets its answer and the end of the connection`() async throws {
        try await withServer(Self.router.respond) { server in
            let port = server.port
            try await onThread {
                let client = try RawClient(port: port)
                try client.send("GET /hello?name=1.0 HTTP/1.0\r\n\r\n")
                #expect(try client.response().text == "hello 1.0")
                #expect(client.isClosed())
            }
        }
    }

    @Test func `two hundred connections at once are all answered`() async throws {
        try await withServer(Self.router.respond) { server in
            let port = server.port
            let answered = try await onThread {
                let clients = try (0..<200).map { _ in try RawClient(port: port) }
                for (number, client) in clients.enumerated() { try client.send("GET /hello?name=\(number) HTTP/1.1\r\nHost: x\r\n\r\n") }
                var answered = 0
                for (number, client) in clients.enumerated() where try client.response().text == "hello \(number)" { answered += 1 }
                for client in clients { try client.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n") }
                for client in clients where try client.response().text == "later" { answered += 1 }
                return answered
            }
            #expect(answered == 400)
            try await happens { server.connectionCount == 0 }
        }
    }

    @Test func `a handler may answer much later, from anywhere`() async throws {
        let asked = Signal()
        let allowed = Signal()
        let handler: Server.Handler = { _ in
            asked.give()
            await allowed.wait()
            return .text("at last")
        }
        try await withServer(handler) { (server) async throws in
            async let response = fetch(server)
            await asked.wait()
            allowed.give()
            #expect(try await response.text == "at last")
        }
    }
}
