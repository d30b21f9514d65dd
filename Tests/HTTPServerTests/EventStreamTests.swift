internal import HTTPServer
internal import Synchronization
internal import Testing

struct EventStreamTests {
    /// A server whose every request opens a stream, and the streams in their order.
    private final class Streams: Sendable {
        let opened = Mutex<[EventSource]>([])
        let closed = Counter()
        let bufferLimit: Int

        init(bufferLimit: Int = 1 << 16) { self.bufferLimit = bufferLimit }

        func open(_ request: Request) async -> Response {
            let source = EventSource(bufferLimit: bufferLimit)
            source.onClose { self.closed.add() }
            opened.withLock { $0.append(source) }
            return .events(source)
        }

        var count: Int { opened.withLock { $0.count } }

        subscript(index: Int) -> EventSource { opened.withLock { $0[index] } }
    }

    private static let ask = "GET /events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"

    @Test func `events arrive while the stream is open, and its end is an end`() async throws {
        let streams = Streams()
        let log = Log()
        try await withServer(log: log, streams.open) { (server) async throws in
            let port = server.port
            async let chunks = onThread {
                let client = try RawClient(port: port)
                try client.send(Self.ask)
                let head = try client.head()
                #expect(head.status == 200)
                #expect(head["Content-Type"] == "text/event-stream")
                #expect(head["Cache-Control"] == "no-store")
                var text = ""
                while let chunk = try client.chunk() {
                    text += String(decoding: chunk, as: UTF8.self)
                    if chunk == Array(":\n\n".utf8) { #expect(streams[0].send(event: "hello", data: "one\ntwo\r\n", id: "7\n8")) }
                    if text.hasSuffix("data: two\ndata: \n\n") {
                        #expect(streams[0].send(data: "ünï"))
                        streams[0].finish()
                        #expect(!streams[0].send(data: "nobody"))
                    }
                }
                try client.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(try client.head().status == 200)
                return text
            }
            #expect(try await chunks == ":\n\nid: 78\nevent: hello\ndata: one\ndata: two\ndata: \n\ndata: ünï\n\n")
            try await happens { streams.closed.value == 2 }
        }
        #expect(log.all.count == 2)
        #expect(log.all.first?.outcome == .completed)
        #expect(log.all.first?.bytesSent == 64)
    }

    @Test func `a client that goes away is noticed at once`() async throws {
        let streams = Streams()
        try await withServer(streams.open) { server in
            let port = server.port
            try await onThread {
                let client = try RawClient(port: port)
                try client.send(Self.ask)
                _ = try client.head()
                _ = try client.chunk()
            }
            try await happens { streams.closed.value == 1 }
            #expect(!streams[0].isOpen)
            #expect(!streams[0].send(data: "nobody"))
            try await happens { server.connectionCount == 0 }
        }
    }

    @Test func `a silent stream has a heartbeat`() async throws {
        var settings = ServerSettings()
        settings.heartbeat = .milliseconds(50)
        let streams = Streams()
        try await withServer(settings: settings, streams.open) { server in
            let port = server.port
            try await onThread {
                let client = try RawClient(port: port)
                try client.send(Self.ask)
                _ = try client.head()
                for _ in 0..<4 { #expect(try client.chunk() == Array(":\n\n".utf8)) }
            }
        }
    }

    @Test func `a client that does not read loses its stream, not the sender its time`() async throws {
        let streams = Streams(bufferLimit: 100_000)
        try await withServer(streams.open) { server in
            let port = server.port
            let done = Signal()
            async let reading: Void = onThread {
                let client = try RawClient(port: port, receiveBuffer: 4096)
                try client.send(Self.ask)
                _ = try client.head()
                done.blockingWait()
            }
            try await happens { streams.count == 1 }
            let text = String(repeating: "x", count: 10_000)
            var sent = 0
            while sent < 10_000, streams[0].send(data: text) { sent += 1 }
            #expect(sent < 10_000)
            #expect(!streams[0].isOpen)
            done.give()
            try await reading
            try await happens { streams.closed.value == 1 }
        }
    }

    @Test func `many senders and many streams lose nothing`() async throws {
        let streams = Streams(bufferLimit: 10 << 20)
        try await withServer(streams.open) { server in
            let port = server.port
            try await withThrowingTaskGroup { group in
                for _ in 0..<8 {
                    group.addTask {
                        let events = try await onThread {
                            let client = try RawClient(port: port)
                            try client.send(Self.ask)
                            _ = try client.head()
                            var text = ""
                            while let chunk = try client.chunk() { text += String(decoding: chunk, as: UTF8.self) }
                            return text.split(separator: "\n").count { $0.hasPrefix("data: ") }
                        }
                        #expect(events == 2000)
                    }
                }
                try await happens { streams.count == 8 }
                let all = streams.opened.withLock { $0 }
                await withTaskGroup { senders in
                    for sender in 0..<4 {
                        senders.addTask {
                            for number in 0..<500 { for source in all { #expect(source.send(data: "\(sender)-\(number)")) } }
                        }
                    }
                }
                for source in all { source.finish() }
                try await group.waitForAll()
            }
            try await happens { streams.closed.value == 8 }
        }
    }

    @Test func `HEAD of a stream is a head, and the stream is closed`() async throws {
        let streams = Streams()
        try await withServer(streams.open) { (server) async throws in
            #expect(try await fetch(server, "HEAD").status == 200)
            try await happens { streams.closed.value == 1 }
        }
    }

    @Test func `a stream is for one response`() async throws {
        let source = EventSource()
        try await withServer({ _ in .events(source) }) { server in
            let port = server.port
            try await onThread {
                let first = try RawClient(port: port)
                try first.send(Self.ask)
                #expect(try first.head().status == 200)
                let second = try RawClient(port: port)
                try second.send(Self.ask)
                #expect(try second.response().status == 500)
                #expect(try first.chunk() == Array(":\n\n".utf8))
                #expect(source.send(data: "still here"))
                #expect(try first.chunk() == Array("data: still here\n\n".utf8))
            }
        }
    }

    @Test func `a stream whose answer came too late is closed`() async throws {
        var settings = ServerSettings()
        settings.requestTimeLimit = .milliseconds(50)
        let late = Signal()
        let streams = Streams()
        let handler: Server.Handler = { request in
            await late.wait()
            return await streams.open(request)
        }
        try await withServer(settings: settings, handler) { (server) async throws in
            #expect(try await fetch(server).status == 504)
            late.give()
            try await happens { streams.closed.value == 1 }
        }
    }
}
