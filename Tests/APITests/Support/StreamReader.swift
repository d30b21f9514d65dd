import Glibc
import JSON
import Lanes
import Synchronization

/// Reads a stream of Server-Sent Events from a socket of its own, on a thread of its own.
final class StreamReader: Sendable {
    struct Event: Sendable {
        var name = ""
        var data: JSONValue = .null
    }

    private struct State {
        var status = 0
        var events: [Event] = []
        var isOver = false
    }

    private let state = Mutex(State())
    private let socketDescriptor: Int32

    /// Connects and asks for the path.
    init(port: UInt16, path: String, headers: [(String, String)]) {
        socketDescriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(socketDescriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let descriptor = socketDescriptor
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        let fields = headers.map { "\($0.0): \($0.1)\r\n" }.joined()
        let request = Array("GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nAccept: text/event-stream\r\n\(fields)\r\n".utf8)
        if connected == 0 { _ = send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) }
        _ = Thread("stream-reader") { [self] in read() }
    }

    var status: Int { state.withLock { $0.status } }
    var events: [Event] { state.withLock { $0.events } }
    var isOver: Bool { state.withLock { $0.isOver } }

    /// The data of events of this name.
    func data(_ name: String) -> [JSONValue] { events.filter { $0.name == name }.map(\.data) }

    func close() { shutdown(socketDescriptor, Int32(SHUT_RDWR)) }

    private func read() {
        var text = ""
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(socketDescriptor, &piece, piece.count, 0)
            guard count > 0 else { break }
            text += String(decoding: piece[..<count], as: UTF8.self)
            take(text)
        }
        state.withLock { $0.isOver = true }
        Glibc.close(socketDescriptor)
    }

    /// Chunk sizes stand on lines of their own and look like no field, so they need no care.
    private func take(_ text: String) {
        var events: [Event] = []
        var event = Event()
        var status = 0
        for line in text.split(separator: "\r\n", omittingEmptySubsequences: false).flatMap({
            $0.split(separator: "\n", omittingEmptySubsequences: false)
        }) {
            if line.hasPrefix("HTTP/1.1 ") { status = Int(line.dropFirst(9).prefix(3)) ?? 0 }
            if line.hasPrefix("event: ") { event.name = String(line.dropFirst(7)) }
            if line.hasPrefix("data: ") {
                guard let data = try? JSONValue(parsing: String(line.dropFirst(6))) else { continue }
                event.data = data
                events.append(event)
                event = Event()
            }
        }
        state.withLock { state in
            state.status = status
            state.events = events
        }
    }
}

extension APICaller {
    func stream(_ path: String = "/events") -> StreamReader {
        StreamReader(port: rig.port, path: "/api/v1" + path, headers: headers)
    }
}
