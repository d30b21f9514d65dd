internal import CRabbitMQ

/// A connection to the broker, for one thread, and what is said on it about queues.
///
/// Blocking throughout: it belongs on a thread of its own, never in a Swift task. Consuming and publishing each want a connection to themselves
/// (`Consumer`, `Publisher`), because acknowledgements behind a blocked publish never arrive; questions about queues may go over either's `connection`.
/// An error of the broker about a queue closes the channel, not the connection: the next question opens another.
package final class BrokerConnection {
    let link: Link
    private let arena = Arena()
    private var control: Channel?

    /// Connects and logs in.
    ///
    /// - Throws: `unreachable`, `authenticationRefused`, `timedOut`, or `closedByBroker` (530: the virtual host does not exist or is not for this user).
    package init(_ settings: BrokerSettings) throws(BrokerError) {
        link = try Link(settings)
    }

    /// False once the connection is closed or broken; it never comes back.
    package var isOpen: Bool { link.failure == nil }

    /// What the broker is short of, while it accepts no messages.
    package var blockedReason: String? { link.blockedReason }

    /// Product and version as the broker says them when it greets, `RabbitMQ 3.10.8`; nil when it says none.
    package var server: String? { link.server }

    /// Creates a durable queue, or finds it there with the same arguments.
    ///
    /// - Throws: `preconditionFailed` when it exists with other arguments; the message names the argument.
    @discardableResult
    package func declareQueue(_ name: String, arguments: QueueArguments = QueueArguments()) throws(BrokerError) -> QueueStatus {
        defer { arena.recycle() }
        var status: QueueStatus?
        try onControl("declare queue \(name)") { state, channel in
            let table = unsafe arena.table(arguments.table)
            status = unsafe QueueStatus(amqp_queue_declare(state, channel, arena.bytes(name), 0, 1, 0, 0, table))
        }
        return status ?? QueueStatus(messages: 0, consumers: 0)
    }

    /// Looks at a queue without creating it; nil when it does not exist.
    package func declarePassively(_ name: String) throws(BrokerError) -> QueueStatus? {
        defer { arena.recycle() }
        var status: QueueStatus?
        do {
            try onControl("look at queue \(name)") { state, channel in
                status = unsafe QueueStatus(amqp_queue_declare(state, channel, arena.bytes(name), 1, 1, 0, 0, amqp_table_t()))
            }
        } catch  where error.kind == .notFound {
            return nil
        }
        return status
    }

    /// Deletes the queue with all its messages; returns how many there were, 0 when it does not exist.
    @discardableResult
    package func deleteQueue(_ name: String) throws(BrokerError) -> Int {
        defer { arena.recycle() }
        var count = 0
        try onControl("delete queue \(name)") { state, channel in
            count = unsafe amqp_queue_delete(state, channel, arena.bytes(name), 0, 0).map { unsafe Int($0.pointee.message_count) } ?? 0
        }
        return count
    }

    /// Drops the messages that wait; those delivered but not acknowledged stay.
    ///
    /// - Throws: `notFound` when the queue does not exist.
    @discardableResult
    package func purgeQueue(_ name: String) throws(BrokerError) -> Int {
        defer { arena.recycle() }
        var count = 0
        try onControl("purge queue \(name)") { state, channel in
            count = unsafe amqp_queue_purge(state, channel, arena.bytes(name)).map { unsafe Int($0.pointee.message_count) } ?? 0
        }
        return count
    }

    /// Services heartbeats; to be called at least every third of the interval while a connection without consumer or publisher is kept.
    package func keepAlive() throws(BrokerError) {
        while try link.nextFrame(within: .zero) != nil {}
    }

    /// Says goodbye to the broker; unacknowledged deliveries go back to their queues.
    package func close() { link.close() }

    @safe
    private func onControl(_ operation: String, _ call: (amqp_connection_state_t, UInt16) -> Void) throws(BrokerError) {
        let channel = if let control, link.isOpen(control) { control } else { try link.openChannel() }
        control = channel
        try link.ask(operation, on: channel.number) { unsafe call($0, channel.number) }
    }
}

extension QueueStatus {
    fileprivate init?(_ reply: UnsafeMutablePointer<amqp_queue_declare_ok_t>?) {
        guard let reply = unsafe reply?.pointee else { return nil }
        unsafe self.init(messages: Int(reply.message_count), consumers: Int(reply.consumer_count))
    }
}
