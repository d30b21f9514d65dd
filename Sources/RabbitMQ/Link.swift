internal import CRabbitMQ
internal import Glibc

/// The one place that calls librabbitmq: a logged-in connection, questions with answers, frames in, methods out.
///
/// librabbitmq 0.11 does nothing by itself: no thread, heartbeats only inside its calls, writes without a deadline. So a link is used by one thread only,
/// every call that may write is announced to the watchdog, and the first failure is final: the link remembers it, shuts the socket and throws it again from then on.
/// After a lost write nobody knows what the broker has read, so there is nothing to repair; the caller connects anew.
@safe
final class Link {
    let settings: BrokerSettings
    /// Why the connection is of no use any more.
    private(set) var failure: BrokerError?
    /// What the broker is short of, while it accepts no messages.
    private(set) var blockedReason: String?
    private let state: amqp_connection_state_t
    private let leash: Leash
    /// By number, its generation.
    private var openChannels: [UInt16: UInt64] = [:]
    private var generation: UInt64 = 0

    /// Connects and logs in.
    init(_ settings: BrokerSettings) throws(BrokerError) {
        self.settings = settings
        (unsafe state, leash) = unsafe try Link.open(settings)
        let operation = "log in to the broker"
        // From here on deinit cleans up.
        let reply = unsafe Link.logIn(settings, state, leash)
        unsafe try check(reply, operation)
    }

    deinit {
        SocketWatchdog.process.release(leash)
        unsafe amqp_destroy_connection(state)
    }

    /// The descriptor to poll, or nil when the connection is broken.
    var socket: Int32? {
        guard failure == nil else { return nil }
        let fd = unsafe amqp_get_sockfd(state)
        return fd < 0 ? nil : fd
    }

    /// The largest frame that both sides accept, in bytes.
    var frameBytes: Int { unsafe Int(amqp_get_frame_max(state)) }

    /// Seconds between heartbeats, as agreed on; 0 for none.
    var heartbeatSeconds: Int { unsafe Int(amqp_get_heartbeat(state)) }

    /// Product and version, if the broker said both.
    var server: String? {
        guard let table = unsafe amqp_get_server_properties(state) else { return nil }
        let properties = unsafe Headers.decode(table.pointee)
        guard case .string(let product) = properties["product"], case .string(let version) = properties["version"] else { return nil }
        return "\(product) \(version)"
    }

    /// Throws what broke the connection, if anything did.
    func requireOpen() throws(BrokerError) {
        if let failure { throw failure }
    }

    /// Asks the broker and waits for its answer, at most the RPC timeout.
    ///
    /// - Throws: kind by the broker's reply code; when it closed the channel, the channel is gone, otherwise the connection.
    @safe
    func ask(_ operation: String, on channel: UInt16, _ call: (amqp_connection_state_t) -> Void) throws(BrokerError) {
        try requireOpen()
        leash.during { unsafe call(state) }
        // The call has copied what it wants of the answer: without this, a channel that is only asked on would keep every answer it ever got.
        defer { unsafe amqp_maybe_release_buffers_on_channel(state, channel) }
        unsafe try check(amqp_get_rpc_reply(state), operation, channel: channel)
    }

    /// Sends without an answer.
    @safe
    func tell(_ operation: String, _ call: (amqp_connection_state_t) -> Int32) throws(BrokerError) {
        try requireOpen()
        let status = leash.during { unsafe call(state) }
        if status < 0 { throw broken(status, operation) }
    }

    /// Opens the channel with the lowest free number.
    func openChannel() throws(BrokerError) -> Channel {
        try requireOpen()
        let most = unsafe UInt16(clamping: amqp_get_channel_max(state))
        guard let number = (1...max(1, most)).first(where: { openChannels[$0] == nil }) else {
            throw BrokerError(.unexpected, "open channel", "all \(most) channels of the connection are open")
        }
        generation += 1
        openChannels[number] = generation
        try ask("open channel", on: number) { unsafe _ = amqp_channel_open($0, number) }
        return Channel(number: number, generation: generation)
    }

    func isOpen(_ channel: Channel) -> Bool { openChannels[channel.number] == channel.generation }

    /// Closes the channel.
    ///
    /// Its frames that are set aside must be taken before the number is used for a subscription again: see `setAside`.
    func closeChannel(_ channel: Channel) throws(BrokerError) {
        guard isOpen(channel) else { return }
        let number = channel.number
        try requireOpen()
        let reply = unsafe leash.during { unsafe amqp_channel_close(state, number, AMQP_REPLY_SUCCESS) }
        unsafe try check(reply, "close channel", channel: number)
        unsafe amqp_maybe_release_buffers_on_channel(state, number)
        openChannels[number] = nil
    }

    /// Whether a frame can be had without asking the kernel.
    var pending: Bool {
        unsafe amqp_frames_enqueued(state) != 0 || amqp_data_in_buffer(state) != 0
    }

    /// Whether a frame was put aside while an answer was awaited.
    var setAside: Bool { unsafe amqp_frames_enqueued(state) != 0 }

    /// The next frame, or nil when the time is over.
    ///
    /// Services heartbeats. What concerns the connection as a whole is dealt with here; a closed channel is answered and its number freed before the frame is returned.
    func nextFrame(within timeout: Duration) throws(BrokerError) -> (channel: UInt16, frame: Frame)? {
        try requireOpen()
        var raw = unsafe amqp_frame_t()
        var time = timeout.timeval
        let status = leash.during { unsafe amqp_simple_wait_frame_noblock(state, &raw, &time) }
        if status == AMQP_STATUS_TIMEOUT.rawValue { return nil }
        if status < 0 { throw broken(status, "read from the broker") }
        let channel = unsafe raw.channel
        let frame = unsafe Frame(raw)
        // All was copied: the memory of this channel can be used again.
        unsafe amqp_maybe_release_buffers_on_channel(state, channel)
        switch frame {
        case .blocked(let reason): blockedReason = reason
        case .unblocked: blockedReason = nil
        case .connectionClose(let code, let text): throw connectionClosed(code, text, "read from the broker")
        case .channelClose: confirmClose(of: channel)
        default: break
        }
        return (channel, frame)
    }

    /// Says goodbye and ends the connection; errors on the way do not matter any more.
    func close() {
        guard failure == nil else { return }
        _ = unsafe leash.during { unsafe amqp_connection_close(state, AMQP_REPLY_SUCCESS) }
        fail(BrokerError(.unreachable, "use connection", "it was closed by ourselves"))
    }

    /// Marks the connection as broken; the first reason stays.
    @discardableResult
    func fail(_ error: BrokerError) -> BrokerError {
        if let failure { return failure }
        failure = error
        leash.shutDown()
        return error
    }
}

// MARK: - Answers

extension Link {
    private func check(_ reply: amqp_rpc_reply_t, _ operation: String, channel: UInt16 = 0) throws(BrokerError) {
        switch unsafe reply.reply_type {
        case AMQP_RESPONSE_NORMAL: return
        case AMQP_RESPONSE_SERVER_EXCEPTION:
            switch unsafe Frame.close(reply.reply) {
            case .channelClose(let code, let text):
                confirmClose(of: channel)
                throw BrokerError(closed: code, text: text, operation)
            case .connectionClose(let code, let text): throw connectionClosed(code, text, operation)
            default: throw fail(BrokerError(.unexpected, operation, "the broker answered with a method that we did not expect"))
            }
        case AMQP_RESPONSE_LIBRARY_EXCEPTION: throw unsafe broken(reply.library_error, operation)
        default: throw fail(BrokerError(.unreachable, operation, "the connection ended without an answer"))
        }
    }

    private func broken(_ status: Int32, _ operation: String) -> BrokerError {
        if leash.tripped {
            return fail(BrokerError(.timedOut, operation, "the call stood still for \(settings.stuckAfter); the watchdog shut the socket"))
        }
        return fail(BrokerError(status: status, operation))
    }

    /// The broker has closed the connection: it waits for our word before it lets the socket go.
    private func connectionClosed(_ code: UInt16, _ text: String, _ operation: String) -> BrokerError {
        var word = amqp_connection_close_ok_t()
        _ = leash.during { unsafe amqp_send_method(state, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &word) }
        if Int32(code) == AMQP_ACCESS_REFUSED {
            return fail(BrokerError(.authenticationRefused, operation, "the broker answered \(code): \(text)"))
        }
        return fail(BrokerError(.closedByBroker(code: code, text: text), operation, "the broker answered \(code): \(text)"))
    }

    /// The broker has closed the channel: its number may be used again after our word.
    private func confirmClose(of channel: UInt16) {
        openChannels[channel] = nil
        var word = amqp_channel_close_ok_t()
        let status = leash.during { unsafe amqp_send_method(state, channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &word) }
        if status < 0 { _ = broken(status, "confirm the close of a channel") }
    }
}
