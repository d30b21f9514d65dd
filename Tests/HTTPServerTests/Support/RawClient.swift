internal import Glibc

struct WireError: Error, CustomStringConvertible {
    let description: String
}

/// A response as it came over the wire.
struct RawResponse: Sendable {
    var status = 0
    var fields: [(name: String, value: String)] = []
    var body: [UInt8] = []

    var text: String { String(decoding: body, as: UTF8.self) }

    subscript(name: String) -> String? { fields.first { $0.name.lowercased() == name.lowercased() }?.value }
}

/// A blocking socket that writes what it is told, byte by byte, and reads HTTP as simply as it can be read.
///
/// It knows nothing of the server's code. For threads of its own, never for a task.
final class RawClient {
    private let descriptor: Int32
    private var buffer: [UInt8] = []

    init(port: UInt16, timeout: Int = 20, receiveBuffer: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw WireError(description: "no socket") }
        var limit = timeval(tv_sec: timeout, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        if var receiveBuffer { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, 4) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        // The initialized object closes its descriptor, also when it never leaves here.
        if status != 0 { throw WireError(description: "connect: \(errno)") }
    }

    deinit { Glibc.close(descriptor) }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw WireError(description: "send: \(errno)") }
            sent += count
        }
    }

    /// Says that nothing more will be sent.
    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// One whole response, by its length or its chunks.
    func response(toHead: Bool = false) throws -> RawResponse {
        var response = try head()
        if toHead || response.status == 304 || response.status == 204 { return response }
        if response["Transfer-Encoding"]?.lowercased() == "chunked" {
            while let chunk = try chunk() { response.body += chunk }
        } else if let length = response["Content-Length"].flatMap({ Int($0) }) {
            response.body = try take(length)
        } else {
            response.body = try rest()
        }
        return response
    }

    /// Status line and header fields.
    func head() throws -> RawResponse {
        var response = RawResponse()
        let words = try line().split(separator: " ")
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else { throw WireError(description: "no status: \(words)") }
        response.status = status
        while true {
            let line = try line()
            if line.isEmpty { return response }
            let colon = line.firstIndex(of: ":") ?? line.endIndex
            response.fields.append((String(line[..<colon]), String(line[colon...].dropFirst().drop { $0 == " " })))
        }
    }

    /// The next chunk; nil for the last.
    func chunk() throws -> [UInt8]? {
        guard let length = Int(try line(), radix: 16) else { throw WireError(description: "no chunk") }
        let bytes = try take(length)
        _ = try line()
        return length == 0 ? nil : bytes
    }

    /// Waits so many milliseconds for bytes, or for the end.
    func hasSomething(within milliseconds: Int32) -> Bool {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return !buffer.isEmpty || poll(&wanted, 1, milliseconds) > 0
    }

    /// Whether the other end has closed, or reset, the connection.
    func isClosed() -> Bool {
        while buffer.isEmpty {
            guard (try? fill()) == true else { return errno != EAGAIN }
        }
        return false
    }

    /// Everything until the other end closes.
    func rest() throws -> [UInt8] {
        while try fill() {}
        defer { buffer = [] }
        return buffer
    }

    private func line() throws -> String {
        while true {
            if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
                let line = buffer[..<end].last == UInt8(ascii: "\r") ? buffer[..<(end - 1)] : buffer[..<end]
                defer { buffer.removeFirst(end + 1) }
                return String(decoding: line, as: UTF8.self)
            }
            guard try fill() else { throw WireError(description: "closed inside of a line") }
        }
    }

    private func take(_ count: Int) throws -> [UInt8] {
        while buffer.count < count {
            guard try fill() else { throw WireError(description: "closed after \(buffer.count) of \(count) bytes") }
        }
        defer { buffer.removeFirst(count) }
        return Array(buffer[..<count])
    }

    /// Reads more; false at the end.
    private func fill() throws -> Bool {
        var piece = [UInt8](repeating: 0, count: 65536)
        errno = 0
        let count = recv(descriptor, &piece, piece.count, 0)
        guard count >= 0 else { throw WireError(description: "recv: \(errno)") }
        buffer += piece[..<count]
        return count > 0
    }
}
