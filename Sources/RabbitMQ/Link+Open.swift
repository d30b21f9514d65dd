internal import CRabbitMQ
internal import Glibc

extension Link {
    /// The messages are wake-ups of a hundred bytes.
    ///
    /// Small frames cap what a hostile peer can make librabbitmq's recursive table reader do to our stack.
    private static let frameBytes: Int32 = 32768
    private static let channels: Int32 = 255

    /// Connects the socket, under TLS if so wished, and puts it under watch.
    static func open(_ settings: BrokerSettings) throws(BrokerError) -> (amqp_connection_state_t, Leash) {
        let operation = "connect to \(settings.host):\(settings.port)"
        guard let state = unsafe amqp_new_connection() else { throw BrokerError(.unexpected, operation, "no memory") }
        do throws(BrokerError) {
            let socket = unsafe try makeSocket(settings, state, operation)
            var timeout = settings.connectTimeout.timeval
            let status = unsafe amqp_socket_open_noblock(socket, settings.host, Int32(settings.port), &timeout)
            if status < 0 { throw BrokerError(status: status, operation) }
            unsafe amqp_set_handshake_timeout(state, &timeout)
            var answer = settings.rpcTimeout.timeval
            unsafe amqp_set_rpc_timeout(state, &answer)
            let descriptor = unsafe amqp_get_sockfd(state)
            guard descriptor >= 0 else { throw BrokerError(.unreachable, operation, "the socket closed at once") }
            keepAlive(descriptor, settings)
            guard let leash = SocketWatchdog.process.watch(descriptor, limit: settings.stuckAfter) else {
                throw BrokerError(.unexpected, operation, "the process has no descriptor left")
            }
            return unsafe (state, leash)
        } catch {
            unsafe amqp_destroy_connection(state)
            throw error
        }
    }

    static func logIn(_ settings: BrokerSettings, _ state: amqp_connection_state_t, _ leash: Leash) -> amqp_rpc_reply_t {
        let arena = Arena()
        // Without the first one the broker drops a consumer silently; without the second one a publisher never hears of an alarm.
        var properties = unsafe arena.table([
            "connection_name": .string(settings.connectionName),
            "product": "millrace",
            "capabilities": .table([
                "consumer_cancel_notify": true, "connection.blocked": true, "publisher_confirms": true, "basic.nack": true,
            ]),
        ])
        return unsafe leash.during {
            unsafe crabbitmq_login(
                state, settings.virtualHost, channels, frameBytes, Int32(settings.heartbeatSeconds), &properties, settings.user, settings.password)
        }
    }

    private static func makeSocket(
        _ settings: BrokerSettings, _ state: amqp_connection_state_t, _ operation: String
    ) throws(BrokerError) -> OpaquePointer {
        guard settings.usesTLS else {
            guard let socket = unsafe amqp_tcp_socket_new(state) else { throw BrokerError(.unexpected, operation, "no memory") }
            return unsafe socket
        }
        guard let socket = unsafe amqp_ssl_socket_new(state) else { throw BrokerError(.unexpected, operation, "TLS cannot be set up") }
        unsafe amqp_ssl_socket_set_verify_peer(socket, 1)
        unsafe amqp_ssl_socket_set_verify_hostname(socket, 1)
        unsafe amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST)
        guard unsafe amqp_ssl_socket_set_cacert(socket, settings.certificateAuthorities) == AMQP_STATUS_OK.rawValue else {
            throw BrokerError(.invalidSettings, operation, "the file of certificate authorities cannot be read")
        }
        return unsafe socket
    }

    /// The kernel notices a peer that vanished: when idle by probes, when writing by unacknowledged bytes.
    private static func keepAlive(_ descriptor: Int32, _ settings: BrokerSettings) {
        let unacknowledged = Int32(clamping: settings.stuckAfter.nanoseconds / 1_000_000 * 2)
        for (option, value) in [(TCP_KEEPIDLE, 10), (TCP_KEEPINTVL, 5), (TCP_KEEPCNT, 4), (TCP_USER_TIMEOUT, unacknowledged)] {
            var value = Int32(value)
            unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), option, &value, socklen_t(MemoryLayout<Int32>.size))
        }
    }
}
