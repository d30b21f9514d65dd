import Bytes
import Glibc
import Synchronization
import TestSupport

/// Somebody else's HTTP server, on every address of this machine, that does what a test says, also what no server should.
///
/// One thread per connection, one request per connection.
final class Sink: Sendable {
    struct Received: Sendable {
        var method = ""
        var target = ""
        var fields: [(name: String, value: String)] = []
        var body: [UInt8] = []
        let at = monotonicNanoseconds()

        subscript(name: String) -> String? { fields.first { $0.name.lowercased() == name.lowercased() }?.value }
    }

    enum Answer: Sendable {
        case status(Int, fields: [String] = [], body: [UInt8] = [])
        /// Writes these bytes and closes: half an answer, or none that is HTTP.
        case bytes(String)
        /// Closes without a word.
        case cut
        /// Never answers; ends when the client does.
        case hang
    }

    let port: UInt16
    private let listener: Int32
    private let log = Log()

    private final class Log: Sendable {
        struct State {
            var connections = 0
            var received: [Received] = []
        }

        let state = Mutex(State())
    }

    /// - Parameter react: called for each request with its number, from 1.
    init(_ react: @escaping @Sendable (Received, Int) -> Answer = { _, _ in .status(204) }) {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        inet_pton(AF_INET, "0.0.0.0", &name.sin_addr)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let listens = withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, length) == 0 && listen(listener, 1024) == 0 && getsockname(listener, address, &length) == 0
            }
        }
        precondition(listens, "a free port of loopback can be listened on")
        port = UInt16(bigEndian: name.sin_port)
        let log = log
        Task {
            await offPool {
                while case let connection = accept(listener, nil, nil), connection >= 0 {
                    log.state.withLock { $0.connections += 1 }
                    Task { await offPool { Self.serve(connection, log, react) } }
                }
                close(listener)
            }
        }
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    var url: String { "http://127.0.0.1:\(port)/hooks" }

    /// What came so far, in order.
    var received: [Received] { log.state.withLock { $0.received } }

    /// How many connections there were, with a request or without.
    var connections: Int { log.state.withLock { $0.connections } }

    private static func serve(_ connection: Int32, _ log: Log, _ react: (Received, Int) -> Answer) {
        defer { close(connection) }
        guard let request = read(connection) else { return }
        let number = log.state.withLock { state in
            state.received.append(request)
            return state.received.count
        }
        switch react(request, number) {
        case .status(let status, let fields, let body):
            let head = ["HTTP/1.1 \(status) Status", "Content-Length: \(body.count)", "Connection: close"] + fields
            send(Array((head.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body, on: connection)
        case .bytes(let text): send(Array(text.utf8), on: connection)
        case .cut: break
        case .hang:
            var byte: UInt8 = 0
            while recv(connection, &byte, 1, 0) > 0 {}
        }
    }

    private static func read(_ connection: Int32) -> Received? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        func more() -> Bool {
            let count = recv(connection, &buffer, buffer.count, 0)
            if count > 0 { bytes += buffer.prefix(count) }
            return count > 0
        }
        while bytes.firstRange(of: Array("\r\n\r\n".utf8)) == nil {
            guard more() else { return nil }
            // A TLS handshake; servers without TLS answer it like this.
            guard bytes.first != 0x16 else {
                send(Array("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".utf8), on: connection)
                return nil
            }
        }
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        var lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
        let words = lines.removeFirst().split(separator: " ")
        var request = Received()
        (request.method, request.target) = (String(words[0]), String(words[1]))
        request.fields = lines.compactMap { line in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            return (String(line[..<colon]), String(line[line.index(after: colon)...].drop { $0 == " " }))
        }
        let length = request["Content-Length"].flatMap { Int($0) } ?? 0
        while bytes.count < end.upperBound + length { guard more() else { return nil } }
        request.body = Array(bytes[end.upperBound...].prefix(length))
        return request
    }

    private static func send(_ bytes: [UInt8], on connection: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty, case let count = rest.withUnsafeBytes({ Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }),
            count > 0
        {
            rest = rest.dropFirst(count)
        }
        // What the client still sends must not turn the close into a reset that eats the answer.
        shutdown(connection, Int32(SHUT_WR))
    }
}
