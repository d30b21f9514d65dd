import Glibc
import Lanes
import Synchronization

/// A server that does exactly what a test says, also what no server should: hang, break off, answer nonsense.
///
/// One thread, poll(2), HTTP/1.1 requests with
/// `Content-Length`; it listens on all of 127.0.0.0/8, so that a test can see a connection to any of its addresses.
final class LoopbackServer: Sendable {
    struct Received: Sendable {
        let head: String
        let body: [UInt8]
        let connection: Int

        var target: String { head.split(separator: " ").dropFirst().first.map(String.init) ?? "" }
    }

    enum Reaction: Sendable {
        /// Writes the bytes and goes on.
        case answer([UInt8])
        case answerAndClose([UInt8])
        case close
        /// Never answers.
        case hang
        /// Answers when `release` is called.
        case hold
    }

    /// Both ends of each connection live in this process, and a shell's usual limit is 1024.
    private static let hasManyDescriptors: Bool = {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        return setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
    }()

    let port: UInt16
    private let shared: Shared
    private let thread: Lanes.Thread

    init(on address: String = "0.0.0.0", _ react: @escaping @Sendable (Received) -> Reaction) {
        precondition(Self.hasManyDescriptors, "the system lets this process have many sockets")
        let listener = LoopbackSocket.listen(on: address, backlog: 4096)
        port = LoopbackSocket.port(of: listener)
        let shared = Shared(listener: listener)
        self.shared = shared
        thread = Lanes.Thread("test-server") { Connections(shared: shared, react: react).run() }
    }

    deinit {
        shared.post { $0.stops = true }
        thread.join(timeout: .seconds(5))
    }

    var url: String { "http://127.0.0.1:\(port)" }

    var accepted: Int { shared.state.withLock { $0.accepted } }

    var received: [Received] { shared.state.withLock { $0.received } }

    /// Connections that the client has closed.
    var closedByPeer: Int { shared.state.withLock { $0.closedByPeer } }

    /// Answers all requests that were held, and those to come.
    func release(_ bytes: [UInt8]) { shared.post { $0.release = bytes } }

    static func response(_ status: String = "200 OK", headers: [String] = [], _ body: String = "") -> [UInt8] {
        Array((["HTTP/1.1 \(status)", "Content-Length: \(body.utf8.count)"] + headers + ["", body]).joined(separator: "\r\n").utf8)
    }

    fileprivate final class Shared: Sendable {
        struct State {
            var accepted = 0
            var closedByPeer = 0
            var received: [Received] = []
            var release: [UInt8]?
            var stops = false
        }

        let state = Mutex(State())
        let listener: Int32
        let wakeRead: Int32
        let wakeWrite: Int32

        init(listener: Int32) {
            var ends: [Int32] = [0, 0]
            precondition(pipe(&ends) == 0)
            (self.listener, wakeRead, wakeWrite) = (listener, ends[0], ends[1])
        }

        deinit {
            for descriptor in [listener, wakeRead, wakeWrite] { Glibc.close(descriptor) }
        }

        func post(_ change: (inout State) -> Void) {
            state.withLock { change(&$0) }
            var byte: UInt8 = 1
            write(wakeWrite, &byte, 1)
        }
    }
}

/// The server's thread.
private final class Connections {
    private struct Connection {
        let number: Int
        var input: [UInt8] = []
        var output: [UInt8] = []
        var closesAfterOutput = false
        var isHeld = false
    }

    private let shared: LoopbackServer.Shared
    private let react: @Sendable (LoopbackServer.Received) -> LoopbackServer.Reaction
    private var connections: [Int32: Connection] = [:]
    private var release: [UInt8]?

    init(shared: LoopbackServer.Shared, react: @escaping @Sendable (LoopbackServer.Received) -> LoopbackServer.Reaction) {
        self.shared = shared
        self.react = react
    }

    func run() {
        while true {
            var polled = [
                pollfd(fd: shared.listener, events: Int16(POLLIN), revents: 0), pollfd(fd: shared.wakeRead, events: Int16(POLLIN), revents: 0),
            ]
            polled += connections.map { pollfd(fd: $0.key, events: Int16(POLLIN) | ($0.value.output.isEmpty ? 0 : Int16(POLLOUT)), revents: 0) }
            guard poll(&polled, nfds_t(polled.count), -1) > 0 else { continue }
            if polled[1].revents != 0, handleWake() { break }
            for entry in polled.dropFirst(2) where entry.revents != 0 { serve(entry.fd, entry.revents) }
            if polled[0].revents != 0 { acceptAll() }
        }
        for descriptor in connections.keys { close(descriptor) }
    }

    private func handleWake() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 64)
        _ = read(shared.wakeRead, &buffer, 64)
        let (release, stops) = shared.state.withLock { ($0.release, $0.stops) }
        self.release = release
        guard let release else { return stops }
        for descriptor in Array(connections.keys) where connections[descriptor]?.isHeld == true {
            connections[descriptor]?.isHeld = false
            send(release, on: descriptor)
        }
        return stops
    }

    private func acceptAll() {
        while true {
            let descriptor = accept(shared.listener, nil, nil)
            guard descriptor >= 0 else { return }
            let number = shared.state.withLock { state in
                state.accepted += 1
                return state.accepted
            }
            connections[descriptor] = Connection(number: number)
        }
    }

    private func serve(_ descriptor: Int32, _ events: Int16) {
        if events & Int16(POLLOUT) != 0 { flush(descriptor) }
        guard events & ~Int16(POLLOUT) != 0, connections[descriptor] != nil else { return }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        if count > 0 {
            connections[descriptor]?.input += buffer.prefix(count)
            while let request = nextRequest(descriptor) { handle(request, descriptor) }
        } else if count == 0 || errno != EAGAIN {
            shared.state.withLock { $0.closedByPeer += 1 }
            end(descriptor)
        }
    }

    private func nextRequest(_ descriptor: Int32) -> LoopbackServer.Received? {
        guard let connection = connections[descriptor], let end = connection.input.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let head = String(decoding: connection.input[..<end.lowerBound], as: UTF8.self)
        let length =
            head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
            .flatMap { Int($0.dropFirst("content-length:".count).drop { $0 == " " }) } ?? 0
        guard connection.input.count >= end.upperBound + length else { return nil }
        let body = Array(connection.input[end.upperBound..<(end.upperBound + length)])
        connections[descriptor]?.input.removeFirst(end.upperBound + length)
        return LoopbackServer.Received(head: head, body: body, connection: connection.number)
    }

    private func handle(_ request: LoopbackServer.Received, _ descriptor: Int32) {
        shared.state.withLock { $0.received.append(request) }
        switch react(request) {
        case .answer(let bytes):
            send(bytes, on: descriptor)
        case .answerAndClose(let bytes):
            connections[descriptor]?.closesAfterOutput = true
            send(bytes, on: descriptor)
        case .close:
            end(descriptor)
        case .hang:
            break
        case .hold:
            if let release { send(release, on: descriptor) } else { connections[descriptor]?.isHeld = true }
        }
    }

    private func send(_ bytes: [UInt8], on descriptor: Int32) {
        connections[descriptor]?.output += bytes
        flush(descriptor)
    }

    private func flush(_ descriptor: Int32) {
        guard let output = connections[descriptor]?.output else { return }
        let sent = Glibc.send(descriptor, output, output.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        if sent > 0 { connections[descriptor]?.output.removeFirst(sent) }
        if sent < 0, errno != EAGAIN {
            shared.state.withLock { $0.closedByPeer += 1 }
            end(descriptor)
        } else if connections[descriptor]?.output.isEmpty == true, connections[descriptor]?.closesAfterOutput == true {
            end(descriptor)
        }
    }

    private func end(_ descriptor: Int32) {
        connections[descriptor] = nil
        close(descriptor)
    }
}
