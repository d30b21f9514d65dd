internal import Bytes
internal import CRabbitMQ
internal import Glibc

/// Takes messages from any number of queues over one connection, for one thread.
///
/// Each subscription has a channel of its own, and a cancelled one never gives its channel to the next: RabbitMQ 3.10.8 raises an error when a consumer is
/// registered again on a channel with deliveries on their way (rabbitmq-server#5927). The loop of the thread is:
/// wait, hand the deliveries out, acknowledge what has come back, wait again. The waiting services the heartbeats, so come back to it within twice their interval.
package final class Consumer {
    /// For questions about queues, by the same thread.
    package let connection: BrokerConnection
    private var active: [UInt16: Active] = [:]
    private var ready: [Delivery] = []
    private var lost: [BrokerError] = []
    private let arena = Arena()

    private struct Active {
        let subscription: Subscription
        var content: Content?
    }

    /// Opens a connection for it.
    package init(_ settings: BrokerSettings) throws(BrokerError) {
        connection = try BrokerConnection(settings)
    }

    package var isOpen: Bool { connection.isOpen }

    /// Begins to take messages from the queue; at most `prefetch` are delivered and not yet acknowledged (0: without limit).
    ///
    /// - Throws: `notFound` when the queue does not exist.
    package func consume(_ queue: String, prefetch: UInt16, consumerTag: String) throws(BrokerError) -> Subscription {
        defer { arena.recycle() }
        try settleSetAside()
        let channel = try link.openChannel()
        let number = channel.number
        let subscription = Subscription(channel: channel, queue: queue, consumerTag: consumerTag)
        // Known before the question: deliveries may overtake our reading of the answer.
        active[number] = Active(subscription: subscription)
        do {
            try link.ask("limit prefetch of queue \(queue)", on: number) { unsafe _ = amqp_basic_qos($0, number, 0, prefetch, 0) }
            try link.ask("consume queue \(queue)", on: number) { state in
                let tag = unsafe arena.bytes(consumerTag)
                unsafe _ = amqp_basic_consume(state, number, arena.bytes(queue), tag, 0, 0, 0, amqp_table_t())
            }
        } catch {
            active[number] = nil
            throw error
        }
        return subscription
    }

    /// Waits for messages; returns at once when there are some, up to `limit` of them, or none when the time is over or `wake` was signalled.
    ///
    /// Never clears the wake-up: that is for who handles what it announces. Never cuts a message: a half one waits for the next call.
    ///
    /// - Throws: an error with `subscription` set when only that one is lost (call `close`, then `consume` again); any other means a new connection. What was
    ///   delivered on a closed channel or connection and not acknowledged will be delivered again.
    package func waitForDeliveries(limit: Int = .max, timeout: Duration, wake: WakeUp? = nil) throws(BrokerError) -> [Delivery] {
        let (deadline, overflow) = monotonicNanoseconds().addingReportingOverflow(max(0, timeout.nanoseconds))
        while true {
            let signalled = try wait(nanoseconds: 0, wake: wake)
            try readWhatIsThere(limit: limit)
            if !ready.isEmpty { return takeReady(limit) }
            if !lost.isEmpty { throw lost.removeFirst() }
            let left = overflow ? Int64.max : deadline - monotonicNanoseconds()
            if signalled || left <= 0 { return [] }
            _ = try wait(nanoseconds: left, wake: wake)
        }
    }

    /// Acknowledges a delivery; with `multiple`, all earlier ones of its subscription too.
    ///
    /// - Returns: false when its channel is closed: the broker delivers it again.
    @discardableResult
    package func acknowledge(_ tag: DeliveryTag, multiple: Bool = false) throws(BrokerError) -> Bool {
        guard isActive(tag.channel) else { return false }
        try link.tell("acknowledge") { unsafe amqp_basic_ack($0, tag.channel.number, tag.number, multiple ? 1 : 0) }
        return true
    }

    /// Gives a delivery back to its queue, or without `requeue` to the dead letters; with `multiple`, all earlier ones of its subscription too.
    ///
    /// Each return counts towards the queue's delivery limit, so it is not a way to wait.
    ///
    /// - Returns: false when its channel is closed: the broker delivers it again.
    @discardableResult
    package func reject(_ tag: DeliveryTag, multiple: Bool = false, requeue: Bool) throws(BrokerError) -> Bool {
        guard isActive(tag.channel) else { return false }
        try link.tell("reject") { unsafe amqp_basic_nack($0, tag.channel.number, tag.number, multiple ? 1 : 0, requeue ? 1 : 0) }
        return true
    }

    /// Asks for no more messages.
    ///
    /// What was delivered can still be waited for and acknowledged, until `close`.
    package func cancel(_ subscription: Subscription) throws(BrokerError) {
        guard isActive(subscription.channel) else { return }
        defer { arena.recycle() }
        let number = subscription.channel.number
        do {
            try link.ask("cancel consumer of queue \(subscription.queue)", on: number) { state in
                unsafe _ = amqp_basic_cancel(state, number, arena.bytes(subscription.consumerTag))
            }
        } catch {
            if isOpen { drop(number) }
            throw error
        }
    }

    /// Ends the subscription; what was delivered and not acknowledged goes back to the queue.
    package func close(_ subscription: Subscription) throws(BrokerError) {
        guard isActive(subscription.channel) else { return }
        let number = subscription.channel.number
        do {
            try link.closeChannel(subscription.channel)
        } catch {
            if !isOpen { throw error }
        }
        // Closed by us or, at the same moment, by the broker: it is closed.
        drop(number)
        try settleSetAside()
    }

    /// Ends all subscriptions and the connection.
    package func close() { connection.close() }

    private var link: Link { connection.link }

    private func isActive(_ channel: Channel) -> Bool {
        active[channel.number]?.subscription.channel == channel
    }

    private func drop(_ number: UInt16) {
        active[number] = nil
        ready.removeAll { $0.tag.channel.number == number }
    }

    private func takeReady(_ limit: Int) -> [Delivery] {
        if ready.count <= limit {
            defer { ready = [] }
            return ready
        }
        defer { ready.removeFirst(limit) }
        return Array(ready.prefix(limit))
    }
}

// MARK: - Reading

extension Consumer {
    /// Reads until nothing is there any more, `limit` deliveries are ready, or a subscription is lost.
    private func readWhatIsThere(limit: Int) throws(BrokerError) {
        while ready.count < limit, lost.isEmpty, let (channel, frame) = try link.nextFrame(within: .zero) {
            take(frame, channel)
        }
    }

    /// Takes what came while an answer was awaited, so that no frame of a closed channel waits when its number is given out again.
    private func settleSetAside() throws(BrokerError) {
        while link.setAside, let (channel, frame) = try link.nextFrame(within: .zero) { take(frame, channel) }
    }

    private func take(_ frame: Frame, _ channel: UInt16) {
        guard let subscription = active[channel]?.subscription else { return }
        switch frame {
        case .deliver: active[channel]?.content = Content(frame)
        case .header, .body:
            guard active[channel]?.content?.take(frame) == true, let content = active[channel]?.content else { return }
            active[channel]?.content = nil
            if let delivery = Delivery(content, subscription) { ready.append(delivery) }
        case .cancel:
            let message = "the broker ended the consumer of queue \(subscription.queue)"
            lost.append(BrokerError(.consumerCancelled, "consume queue \(subscription.queue)", message, subscription: subscription))
        case .channelClose(let code, let text):
            drop(channel)
            lost.append(BrokerError(closed: code, text: text, "consume queue \(subscription.queue)", subscription: subscription))
        default: break
        }
    }

    /// Sleeps until the socket or the wake-up is readable, the time is over, or a heartbeat is due; true when it was the wake-up.
    private func wait(nanoseconds: Int64, wake: WakeUp?) throws(BrokerError) -> Bool {
        try link.requireOpen()
        guard let socket = link.socket else { throw link.fail(BrokerError(.unreachable, "wait for deliveries", "the socket is closed")) }
        var milliseconds = min(nanoseconds / 1_000_000 + (nanoseconds % 1_000_000 > 0 ? 1 : 0), 60_000)
        let heartbeat = Int64(link.heartbeatSeconds)
        if heartbeat > 0 { milliseconds = min(milliseconds, heartbeat * 1000 / 3) }
        // A frame already here would not make the socket readable.
        if link.pending { milliseconds = 0 }
        var descriptors = [
            pollfd(fd: socket, events: Int16(POLLIN), revents: 0),
            // poll skips a negative descriptor.
            pollfd(fd: wake?.fd ?? -1, events: Int16(POLLIN), revents: 0),
        ]
        let count = unsafe poll(&descriptors, 2, Int32(milliseconds))
        return count > 0 && descriptors[1].revents != 0
    }
}

extension Delivery {
    fileprivate init?(_ content: Content, _ subscription: Subscription) {
        guard case .deliver(_, let tag, let redelivered, let exchange, let routingKey) = content.opening else { return nil }
        self.init(
            tag: DeliveryTag(channel: subscription.channel, number: tag), subscription: subscription, redelivered: redelivered, exchange: exchange,
            routingKey: routingKey, messageID: content.properties.messageID, contentType: content.properties.contentType,
            headers: content.properties.headers, body: content.body)
    }
}
