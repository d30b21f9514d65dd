/// Where the broker is and how long we wait for it.
package struct BrokerSettings: Hashable, Sendable {
    package var host = "127.0.0.1"
    package var port: UInt16 = 5672
    package var usesTLS = false
    /// The authorities whose certificates we accept, PEM; used with TLS only.
    package var certificateAuthorities = "/etc/ssl/certs/ca-certificates.crt"
    package var user = "guest"
    package var password = "guest"
    package var virtualHost = "/"
    /// How this connection is called in the broker's own lists.
    package var connectionName = "millrace"
    /// Seconds between heartbeats as we propose them, the broker may lower it; 0 switches them off, and then a dead peer goes unnoticed.
    package var heartbeatSeconds: UInt16 = 20
    /// For the TCP connection and TLS together, and once more for the login.
    package var connectTimeout: Duration = .seconds(5)
    /// For every question with an answer, and for the confirmation of a published message.
    package var rpcTimeout: Duration = .seconds(10)
    /// When the watchdog shuts the socket under a write that does not end (`SocketWatchdog`).
    package var stuckAfter: Duration = .seconds(15)

    package init() {}
}

extension BrokerSettings: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The URL without its password: fit for logs.
    package var description: String {
        "\(usesTLS ? "amqps" : "amqp")://\(user):***@\(host.contains(":") ? "[\(host)]" : host):\(port)/\(virtualHost == "/" ? "" : virtualHost)"
    }

    package var debugDescription: String { description }

    /// `dump` shows no password either.
    package var customMirror: Mirror { Mirror(self, children: ["url": description]) }
}
