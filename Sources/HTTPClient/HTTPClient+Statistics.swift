internal import Synchronization

extension HTTPClient {
    /// What the client has done since its start.
    package struct Statistics: Hashable, Sendable {
        /// Orders, checks included, that wait for an answer.
        package let inHand: Int
        /// Sockets opened to connect to somebody.
        package let connections: Int
        /// Names asked of the resolver.
        package let lookups: Int
    }
}

/// Written by the loop's thread alone, read by anybody.
final class Counters: Sendable {
    let inHand = Atomic<Int>(0)
    let connections = Atomic<Int>(0)
    let lookups = Atomic<Int>(0)

    var snapshot: HTTPClient.Statistics {
        HTTPClient.Statistics(
            inHand: inHand.load(ordering: .relaxed), connections: connections.load(ordering: .relaxed), lookups: lookups.load(ordering: .relaxed))
    }
}
