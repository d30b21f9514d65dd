internal import Bytes
internal import CRabbitMQ

/// Publishes persistent, mandatory messages and waits for the broker's confirmation of each; a connection of its own, for one thread.
///
/// Up to `window` messages are under way at a time: a quorum queue confirms after the disk has it, and one by one that makes 3,000 a second where a window of
/// hundreds makes 40,000. librabbitmq 0.11 cannot wait for confirms, so the frames are read here and `ConfirmWindow` keeps the books.
package final class Publisher {
    /// For questions about queues, by the same thread.
    package let connection: BrokerConnection
    private let window: Int
    private let channel: Channel
    private let arena = Arena()
    private var nextSequence: UInt64 = 1
    private var returning: Content?

    /// Opens a connection and switches it to confirms.
    package init(_ settings: BrokerSettings, window: Int = 256) throws(BrokerError) {
        precondition(window > 0, "without a window nothing is ever sent")
        self.window = window
        connection = try BrokerConnection(settings)
        let channel = try connection.link.openChannel()
        self.channel = channel
        try connection.link.ask("ask for confirms", on: channel.number) { unsafe _ = amqp_confirm_select($0, channel.number) }
    }

    package var isOpen: Bool { connection.isOpen }

    /// Publishes all of them; returns one outcome per message, in their order, when every one is settled.
    ///
    /// - Throws: when the connection breaks, or nothing is confirmed for the RPC timeout (a broker short of memory or disk): then the outcome of *every* message is
    ///   unknown, each may or may not have arrived, and the publisher is of no further use.
    package func publish(_ messages: [OutgoingMessage]) throws(BrokerError) -> [PublishOutcome] {
        var confirms = ConfirmWindow(count: messages.count, first: nextSequence)
        // What was missed while idle: that the broker has closed the connection is better known before anything is sent.
        try read(&confirms, messages)
        try waitUntilUnblocked(&confirms, messages)
        for (index, message) in messages.enumerated() {
            while confirms.outstanding >= window { try awaitProgress(&confirms, messages) }
            try send(message, index, &confirms)
        }
        while confirms.outstanding > 0 { try awaitProgress(&confirms, messages) }
        nextSequence = confirms.next
        return confirms.outcomes.map { $0 ?? .refused }
    }

    /// Services heartbeats; to be called at least every third of the interval while there is nothing to publish.
    package func keepAlive() throws(BrokerError) {
        var none = ConfirmWindow(count: 0, first: nextSequence)
        try read(&none, [])
    }

    package func close() { connection.close() }

    private var link: Link { connection.link }
}

// MARK: - Writing

extension Publisher {
    private func send(_ message: OutgoingMessage, _ index: Int, _ confirms: inout ConfirmWindow) throws(BrokerError) {
        defer { arena.recycle() }
        var properties = unsafe makeProperties(message)
        let routingKey = unsafe arena.bytes(message.routingKey)
        let exchange = unsafe arena.bytes(message.exchange)
        if let reason = unsendable(message) {
            confirms.skip(index, reason)
            return
        }
        confirms.send(index)
        try link.tell("publish") { state in
            unsafe message.body.withUnsafeBytes { body in
                let bytes = unsafe amqp_bytes_t(len: body.count, bytes: UnsafeMutableRawPointer(mutating: body.baseAddress))
                return unsafe amqp_basic_publish(state, channel.number, exchange, routingKey, 1, 0, &properties, bytes)
            }
        }
    }

    private func makeProperties(_ message: OutgoingMessage) -> amqp_basic_properties_t {
        var properties = unsafe amqp_basic_properties_t()
        unsafe properties._flags = UInt32(AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG)
        unsafe properties.delivery_mode = UInt8(AMQP_DELIVERY_PERSISTENT.rawValue)
        unsafe properties.message_id = arena.bytes(message.messageID)
        if !message.contentType.isEmpty {
            unsafe properties._flags |= UInt32(AMQP_BASIC_CONTENT_TYPE_FLAG)
            unsafe properties.content_type = arena.bytes(message.contentType)
        }
        if !message.headers.isEmpty {
            unsafe properties._flags |= UInt32(AMQP_BASIC_HEADERS_FLAG)
            unsafe properties.headers = arena.table(message.headers)
        }
        return unsafe properties
    }

    /// Why the message cannot be sent, or nil.
    ///
    /// librabbitmq would cut a long name silently, and fail on large headers after half of the message is on the wire: one such message would break the
    /// connection of all others, again and again. The arena holds all of the message but its body.
    private func unsendable(_ message: OutgoingMessage) -> String? {
        if message.exchange.utf8.count > 255 { return "the exchange's name is longer than 255 bytes" }
        if message.routingKey.utf8.count > 255 { return "the routing key is longer than 255 bytes" }
        if message.messageID.utf8.count > 255 { return "the message id is longer than 255 bytes" }
        if message.contentType.utf8.count > 255 { return "the content type is longer than 255 bytes" }
        if arena.longestKey > 255 { return "the name of a header is longer than 255 bytes" }
        return arena.encodedBytes > link.frameBytes - 1024 ? "the headers are larger than a frame" : nil
    }
}

// MARK: - Reading

extension Publisher {
    /// Waits until at least one more message is settled.
    private func awaitProgress(_ confirms: inout ConfirmWindow, _ messages: [OutgoingMessage]) throws(BrokerError) {
        let before = confirms.outstanding
        let deadline = monotonicNanoseconds() + link.settings.rpcTimeout.nanoseconds
        while confirms.outstanding == before {
            let left = deadline - monotonicNanoseconds()
            guard left > 0 else {
                let reason = link.blockedReason.map { "the broker is blocked: \($0)" } ?? "no confirmation for \(link.settings.rpcTimeout)"
                throw link.fail(BrokerError(.timedOut, "publish", reason))
            }
            // In slices, so that the watchdog does not take patience for a hang.
            if let (channel, frame) = try link.nextFrame(within: .nanoseconds(min(left, slice))) { try take(frame, channel, &confirms, messages) }
            while link.pending, let (channel, frame) = try link.nextFrame(within: .zero) { try take(frame, channel, &confirms, messages) }
        }
    }

    private func waitUntilUnblocked(_ confirms: inout ConfirmWindow, _ messages: [OutgoingMessage]) throws(BrokerError) {
        let deadline = monotonicNanoseconds() + link.settings.rpcTimeout.nanoseconds
        while let reason = link.blockedReason {
            let left = deadline - monotonicNanoseconds()
            // Nothing was sent, so the connection is as good as before.
            guard left > 0 else { throw BrokerError(.timedOut, "publish", "nothing was sent, the broker is blocked: \(reason)") }
            if let (channel, frame) = try link.nextFrame(within: .nanoseconds(min(left, slice))) { try take(frame, channel, &confirms, messages) }
        }
    }

    /// Reads what is there without waiting.
    private func read(_ confirms: inout ConfirmWindow, _ messages: [OutgoingMessage]) throws(BrokerError) {
        while let (channel, frame) = try link.nextFrame(within: .zero) { try take(frame, channel, &confirms, messages) }
    }

    private var slice: Int64 { min(1_000_000_000, link.settings.stuckAfter.nanoseconds / 2) }

    private func take(_ frame: Frame, _ number: UInt16, _ confirms: inout ConfirmWindow, _ messages: [OutgoingMessage]) throws(BrokerError) {
        guard number == channel.number else { return }
        switch frame {
        case .ack(let tag, let multiple): confirms.settle(tag, multiple: multiple, as: .confirmed)
        case .nack(let tag, let multiple): confirms.settle(tag, multiple: multiple, as: .refused)
        case .returned: returning = Content(frame)
        case .header, .body:
            guard returning?.take(frame) == true, let content = returning else { return }
            returning = nil
            guard case .returned(let code, let text, let exchange, let routingKey) = content.opening else { return }
            confirms.giveBack(code: code, text: text) { index in
                let message = messages[index]
                return message.messageID == content.properties.messageID && message.routingKey == routingKey && message.exchange == exchange
            }
        case .channelClose(let code, let text):
            // The sequence of confirms ends with the channel.
            throw link.fail(BrokerError(closed: code, text: text, "publish"))
        default: break
        }
    }
}
