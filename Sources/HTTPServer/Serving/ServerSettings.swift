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
    /// Longer targets (path and query, as sent) are answered with 414.
    package var maxTargetBytes = 8 << 10
    /// Header fields of more bytes, names and values together, are answered with 431.
    package var maxHeaderBytes = 16 << 10
    /// Memory of a connection, in bytes, of which request line and header fields may fill the greater part.
    ///
    /// Larger than both limits together, so that what is a little too large is read and refused by us, with a problem document; beyond it the library
    /// answers 414 or 431 itself, in HTML. It is wiped after each request, so every connection that was used holds all of it. Header fields of the
    /// response come out of it as well.
    package var headerMemory = 48 << 10
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
