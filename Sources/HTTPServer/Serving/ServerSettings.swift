/// What a server is started with; the values given here are for an API behind a proxy on one machine.
package struct ServerSettings: Sendable {
    /// Certificate chain and key as PEM texts.
    package struct TLS: Sendable {
        package var certificate: String
        package var key: String

        package init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    /// A numeric address: `127.0.0.1`, `0.0.0.0`, `::1`, `::` (which takes IPv4 too).
    package var address = "127.0.0.1"
    /// 0 takes a free port; `Server.port` says which.
    package var port: UInt16 = 8080
    /// Event loops.
    ///
    /// They only move bytes; handlers run in Swift's pool.
    package var threads = 2
    /// Longer bodies are answered with 413.
    package var maxBodyBytes = 1 << 20
    /// Another limit for the body of certain requests, by method and raw path; nil for the general one.
    package var bodyLimit: (@Sendable (Method, _ rawPath: String) -> Int?)?
    /// Memory of a connection, in bytes, of which request line and header fields may fill the greater part; beyond it the answer is 431 or 414.
    ///
    /// Header fields of the response come out of it as well.
    package var headerMemory = 32 << 10
    /// From a request's first line to the handler's answer.
    ///
    /// A client that is too slow is cut off; a handler's task is cancelled and the answer is 504.
    package var requestTimeLimit = Duration.seconds(30)
    /// How long a connection may be without a request, and how long a client may take nothing of an answer.
    package var idleTimeout = Duration.seconds(60)
    /// Connections in all; further clients wait in the kernel's queue.
    package var connectionLimit = 10_000
    /// Connections of one client address; further ones are closed.
    ///
    /// 0 is no limit, as behind a proxy.
    package var connectionsPerAddress = 0
    /// The kernel's queue of connections that wait to be accepted.
    package var backlog: Int32 = 1024
    /// How long a stream of events may be silent before it gets a comment line.
    package var heartbeat = Duration.seconds(15)
    package var tls: TLS?

    package init() {}
}
