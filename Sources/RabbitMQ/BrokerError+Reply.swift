internal import CRabbitMQ

// From the reply codes of AMQP 0-9-1 and the status codes of librabbitmq to kinds.
extension BrokerError {
    /// A close of the connection or the channel, as the broker worded it.
    init(closed code: UInt16, text: String, _ operation: String, subscription: Subscription? = nil) {
        let kind: Kind =
            switch Int32(code) {
            case AMQP_NOT_FOUND: .notFound
            case AMQP_PRECONDITION_FAILED: .preconditionFailed
            default: .closedByBroker(code: code, text: text)
            }
        self.init(kind, operation, "the broker answered \(code): \(text)", subscription: subscription)
    }

    /// A negative status of librabbitmq.
    init(status: Int32, _ operation: String) {
        let kind: Kind =
            switch amqp_status_enum(status) {
            case AMQP_STATUS_TIMEOUT, AMQP_STATUS_HEARTBEAT_TIMEOUT: .timedOut
            case AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED, AMQP_STATUS_SOCKET_ERROR, AMQP_STATUS_CONNECTION_CLOSED, AMQP_STATUS_SOCKET_CLOSED,
                AMQP_STATUS_TCP_ERROR:
                .unreachable
            // TLS: a broken stream, a certificate that does not fit; only another try can tell.
            case _ where status <= AMQP_STATUS_SSL_ERROR.rawValue: .unreachable
            default: .unexpected
            }
        let text = unsafe amqp_error_string2(status).map { unsafe String(cString: $0) } ?? "status \(status)"
        self.init(kind, operation, text)
    }
}
