internal import CRabbitMQ

/// One frame from the broker, copied out of librabbitmq's memory.
enum Frame: Equatable {
    case deliver(consumerTag: String, tag: UInt64, redelivered: Bool, exchange: String, routingKey: String)
    case returned(code: UInt16, text: String, exchange: String, routingKey: String)
    case header(Properties, bodyBytes: UInt64)
    case body([UInt8])
    case ack(tag: UInt64, multiple: Bool)
    case nack(tag: UInt64, multiple: Bool)
    /// The broker ended this consumer.
    case cancel(consumerTag: String)
    case channelClose(code: UInt16, text: String)
    case connectionClose(code: UInt16, text: String)
    case blocked(reason: String)
    case unblocked
    /// Heartbeats and what we do not ask for.
    case other

    struct Properties: Equatable {
        var messageID = ""
        var contentType = ""
        var headers: [String: HeaderValue] = [:]
    }
}

extension Frame {
    init(_ frame: amqp_frame_t) {
        switch unsafe Int32(frame.frame_type) {
        case AMQP_FRAME_METHOD: self = unsafe Frame(method: frame.payload.method)
        case AMQP_FRAME_HEADER:
            guard let decoded = unsafe frame.payload.properties.decoded, unsafe Int32(frame.payload.properties.class_id) == AMQP_BASIC_CLASS else {
                self = .other
                return
            }
            let properties = unsafe decoded.assumingMemoryBound(to: amqp_basic_properties_t.self).pointee
            self = unsafe .header(Properties(properties), bodyBytes: frame.payload.properties.body_size)
        case AMQP_FRAME_BODY: self = unsafe .body(Headers.array(frame.payload.body_fragment))
        default: self = .other
        }
    }

    private init(method: amqp_method_t) {
        guard let decoded = unsafe method.decoded else {
            self = .other
            return
        }
        switch unsafe method.id {
        case AMQP_BASIC_DELIVER_METHOD:
            let deliver = unsafe decoded.assumingMemoryBound(to: amqp_basic_deliver_t.self).pointee
            self = unsafe .deliver(
                consumerTag: Headers.text(deliver.consumer_tag), tag: deliver.delivery_tag, redelivered: deliver.redelivered != 0,
                exchange: Headers.text(deliver.exchange), routingKey: Headers.text(deliver.routing_key))
        case AMQP_BASIC_RETURN_METHOD:
            let returned = unsafe decoded.assumingMemoryBound(to: amqp_basic_return_t.self).pointee
            self = unsafe .returned(
                code: returned.reply_code, text: Headers.text(returned.reply_text), exchange: Headers.text(returned.exchange),
                routingKey: Headers.text(returned.routing_key))
        case AMQP_BASIC_ACK_METHOD:
            let ack = unsafe decoded.assumingMemoryBound(to: amqp_basic_ack_t.self).pointee
            self = .ack(tag: ack.delivery_tag, multiple: ack.multiple != 0)
        case AMQP_BASIC_NACK_METHOD:
            let nack = unsafe decoded.assumingMemoryBound(to: amqp_basic_nack_t.self).pointee
            self = .nack(tag: nack.delivery_tag, multiple: nack.multiple != 0)
        case AMQP_BASIC_CANCEL_METHOD:
            let cancel = unsafe decoded.assumingMemoryBound(to: amqp_basic_cancel_t.self).pointee
            self = unsafe .cancel(consumerTag: Headers.text(cancel.consumer_tag))
        case AMQP_CHANNEL_CLOSE_METHOD:
            let close = unsafe decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee
            self = unsafe .channelClose(code: close.reply_code, text: Headers.text(close.reply_text))
        case AMQP_CONNECTION_CLOSE_METHOD:
            let close = unsafe decoded.assumingMemoryBound(to: amqp_connection_close_t.self).pointee
            self = unsafe .connectionClose(code: close.reply_code, text: Headers.text(close.reply_text))
        case AMQP_CONNECTION_BLOCKED_METHOD:
            let blocked = unsafe decoded.assumingMemoryBound(to: amqp_connection_blocked_t.self).pointee
            self = unsafe .blocked(reason: Headers.text(blocked.reason))
        case AMQP_CONNECTION_UNBLOCKED_METHOD: self = .unblocked
        default: self = .other
        }
    }

    /// The close that answered a question, if it was one.
    static func close(_ method: amqp_method_t) -> Frame? {
        switch unsafe Frame(method: method) {
        case .channelClose(let code, let text): .channelClose(code: code, text: text)
        case .connectionClose(let code, let text): .connectionClose(code: code, text: text)
        default: nil
        }
    }
}

extension Frame.Properties {
    init(_ properties: amqp_basic_properties_t) {
        let flags = unsafe Int32(bitPattern: properties._flags)
        if flags & AMQP_BASIC_MESSAGE_ID_FLAG != 0 { messageID = unsafe Headers.text(properties.message_id) }
        if flags & AMQP_BASIC_CONTENT_TYPE_FLAG != 0 { contentType = unsafe Headers.text(properties.content_type) }
        if flags & AMQP_BASIC_HEADERS_FLAG != 0 { headers = unsafe Headers.decode(properties.headers) }
    }
}
