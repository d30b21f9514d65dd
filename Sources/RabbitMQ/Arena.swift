internal import CRabbitMQ

/// Memory for the C structures of one outgoing frame, used again for the next.
///
/// librabbitmq takes pointers everywhere (texts, table entries) and copies them into its send buffer before the call returns. Its own pool gives pointers
/// that do not move and keeps its pages when recycled, so a steady stream of small messages allocates nothing.
@safe
final class Arena {
    private let pool = UnsafeMutablePointer<amqp_pool_t>.allocate(capacity: 1)
    /// An upper bound of what was put in since the last recycling, as it will be on the wire.
    private(set) var encodedBytes = 0
    /// The longest key of a table since then; AMQP has one byte for its length.
    private(set) var longestKey = 0

    init() {
        unsafe init_amqp_pool(pool, 8192)
    }

    deinit {
        unsafe empty_amqp_pool(pool)
        unsafe pool.deallocate()
    }

    /// Gives all memory back to the arena; every pointer handed out is void.
    func recycle() {
        unsafe recycle_amqp_pool(pool)
        encodedBytes = 0
        longestKey = 0
    }

    func bytes(_ text: String) -> amqp_bytes_t {
        let copied = unsafe text.utf8.withContiguousStorageIfAvailable { unsafe copy(UnsafeRawBufferPointer($0)) }
        return unsafe copied ?? bytes(Array(text.utf8))
    }

    func bytes(_ array: [UInt8]) -> amqp_bytes_t {
        unsafe array.withUnsafeBytes { unsafe copy($0) }
    }

    func table(_ headers: [String: HeaderValue]) -> amqp_table_t {
        guard !headers.isEmpty else { return unsafe amqp_table_t() }
        let entries = unsafe allocate(amqp_table_entry_t.self, headers.count)
        var next = unsafe entries
        for (key, header) in headers {
            longestKey = max(longestKey, key.utf8.count)
            unsafe next.initialize(to: amqp_table_entry_t(key: bytes(key), value: value(header)))
            unsafe next += 1
        }
        return unsafe amqp_table_t(num_entries: Int32(headers.count), entries: entries)
    }

    private func value(_ header: HeaderValue) -> amqp_field_value_t {
        var field = unsafe amqp_field_value_t()
        // A key's length, the type and the widest scalar.
        encodedBytes += 10
        switch header {
        case .string(let text):
            unsafe field.kind = UInt8(AMQP_FIELD_KIND_UTF8.rawValue)
            unsafe field.value.bytes = bytes(text)
        case .int(let number):
            unsafe field.kind = UInt8(AMQP_FIELD_KIND_I64.rawValue)
            unsafe field.value.i64 = number
        case .bool(let flag):
            unsafe field.kind = UInt8(AMQP_FIELD_KIND_BOOLEAN.rawValue)
            unsafe field.value.boolean = flag ? 1 : 0
        case .double(let number):
            unsafe field.kind = UInt8(AMQP_FIELD_KIND_F64.rawValue)
            unsafe field.value.f64 = number
        case .bytes(let array):
            unsafe field.kind = UInt8(AMQP_FIELD_KIND_BYTES.rawValue)
            unsafe field.value.bytes = bytes(array)
        case .timestamp(let seconds):
            unsafe field.kind = UInt8(AMQP_FIELD_KIND_TIMESTAMP.rawValue)
            unsafe field.value.u64 = seconds
        case .array(let elements):
            unsafe field.kind = UInt8(AMQP_FIELD_KIND_ARRAY.rawValue)
            unsafe field.value.array = array(elements)
        case .table(let nested):
            unsafe field.kind = UInt8(AMQP_FIELD_KIND_TABLE.rawValue)
            unsafe field.value.table = table(nested)
        case .null:
            unsafe field.kind = UInt8(AMQP_FIELD_KIND_VOID.rawValue)
        }
        return unsafe field
    }

    private func array(_ elements: [HeaderValue]) -> amqp_array_t {
        guard !elements.isEmpty else { return unsafe amqp_array_t() }
        let values = unsafe allocate(amqp_field_value_t.self, elements.count)
        var next = unsafe values
        for element in elements {
            unsafe next.initialize(to: value(element))
            unsafe next += 1
        }
        return unsafe amqp_array_t(num_entries: Int32(elements.count), entries: values)
    }

    private func copy(_ source: UnsafeRawBufferPointer) -> amqp_bytes_t {
        encodedBytes += source.count
        guard source.count > 0, let base = source.baseAddress else { return unsafe amqp_bytes_t() }
        let target = unsafe allocate(UInt8.self, source.count)
        unsafe UnsafeMutableRawPointer(target).copyMemory(from: base, byteCount: source.count)
        return unsafe amqp_bytes_t(len: source.count, bytes: target)
    }

    private func allocate<T>(_ type: T.Type, _ count: Int) -> UnsafeMutablePointer<T> {
        guard let memory = unsafe amqp_pool_alloc(pool, count * MemoryLayout<T>.stride) else { preconditionFailure("the system has memory") }
        return unsafe memory.bindMemory(to: type, capacity: count)
    }
}
