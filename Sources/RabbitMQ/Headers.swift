internal import CRabbitMQ

/// Reads the broker's structures into Swift values; nothing that it returns points into librabbitmq's memory.
enum Headers {
    /// Deeper nesting reads as `null`: nobody sends it but somebody who is up to something.
    static let depthLimit = 8

    static func text(_ bytes: amqp_bytes_t) -> String {
        unsafe String(decoding: buffer(bytes), as: UTF8.self)
    }

    static func array(_ bytes: amqp_bytes_t) -> [UInt8] {
        unsafe Array(buffer(bytes))
    }

    static func decode(_ table: amqp_table_t, depth: Int = 0) -> [String: HeaderValue] {
        guard unsafe table.num_entries > 0 else { return [:] }
        var headers = unsafe Dictionary<String, HeaderValue>(minimumCapacity: Int(table.num_entries))
        for index in unsafe 0..<Int(table.num_entries) {
            let entry = unsafe table.entries[index]
            unsafe headers[text(entry.key)] = unsafe decode(entry.value, depth: depth)
        }
        return headers
    }

    private static func decode(_ field: amqp_field_value_t, depth: Int) -> HeaderValue {
        switch unsafe amqp_field_value_kind_t(UInt32(field.kind)) {
        case AMQP_FIELD_KIND_BOOLEAN: unsafe .bool(field.value.boolean != 0)
        case AMQP_FIELD_KIND_I8: unsafe .int(Int64(field.value.i8))
        case AMQP_FIELD_KIND_U8: unsafe .int(Int64(field.value.u8))
        case AMQP_FIELD_KIND_I16: unsafe .int(Int64(field.value.i16))
        case AMQP_FIELD_KIND_U16: unsafe .int(Int64(field.value.u16))
        case AMQP_FIELD_KIND_I32: unsafe .int(Int64(field.value.i32))
        case AMQP_FIELD_KIND_U32: unsafe .int(Int64(field.value.u32))
        case AMQP_FIELD_KIND_I64: unsafe .int(field.value.i64)
        case AMQP_FIELD_KIND_U64: unsafe .int(Int64(clamping: field.value.u64))
        case AMQP_FIELD_KIND_F32: unsafe .double(Double(field.value.f32))
        case AMQP_FIELD_KIND_F64: unsafe .double(field.value.f64)
        case AMQP_FIELD_KIND_UTF8: unsafe .string(text(field.value.bytes))
        case AMQP_FIELD_KIND_BYTES: unsafe .bytes(array(field.value.bytes))
        case AMQP_FIELD_KIND_TIMESTAMP: unsafe .timestamp(field.value.u64)
        case AMQP_FIELD_KIND_ARRAY where depth < depthLimit: unsafe .array(elements(field.value.array, depth: depth + 1))
        case AMQP_FIELD_KIND_TABLE where depth < depthLimit: unsafe .table(decode(field.value.table, depth: depth + 1))
        default: .null
        }
    }

    private static func elements(_ array: amqp_array_t, depth: Int) -> [HeaderValue] {
        var elements: [HeaderValue] = []
        for index in unsafe 0..<max(0, Int(array.num_entries)) {
            elements.append(unsafe decode(array.entries[index], depth: depth))
        }
        return elements
    }

    private static func buffer(_ bytes: amqp_bytes_t) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.bytes == nil ? 0 : bytes.len)
    }
}
