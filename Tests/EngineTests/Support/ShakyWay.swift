import Postgres
import TestSupport

/// A way to the test's database that can be broken at a message.
enum ShakyWay {
    struct UnreadableURL: Error {}

    /// A proxy in front of the server, and the settings that lead through it.
    static func open() throws -> (FaultProxy, ConnectionSettings) {
        let url = TestDatabase.current.url
        guard let scheme = url.firstRange(of: "://") else { throw UnreadableURL() }
        let end = url[scheme.upperBound...].firstIndex { $0 == "/" || $0 == "?" } ?? url.endIndex
        let start = url[scheme.upperBound..<end].lastIndex(of: "@").map { url.index(after: $0) } ?? scheme.upperBound
        let parts = url[start..<end].split(separator: ":")
        guard parts.count == 2, let port = Int(parts[1]) else { throw UnreadableURL() }
        let proxy = FaultProxy(to: String(parts[0]), port: port)
        return (proxy, try ConnectionSettings(url: url[..<start] + "127.0.0.1:\(proxy.port)" + url[end...]))
    }
}
