/// The binds of one call in the form that libpq takes: one buffer with all values, and for each where it starts, how long it is and in which format.
///
/// The buffers are kept from call to call. Every value is followed by a zero byte: libpq measures text with `strlen`, and an empty `bytea` needs an
/// address too, since a null pointer means NULL.
@safe
struct Parameters {
    private var bytes: [UInt8] = []
    private var offsets: [Int] = []
    private var lengths: [Int32] = []
    private var formats: [Int32] = []

    mutating func encode(_ binds: [(any PostgresEncodable)?], as types: [UInt32], of statement: Statement) throws(PostgresError) {
        guard binds.count == types.count else {
            let message = "the statement has \(types.count) parameters, \(binds.count) were given"
            throw PostgresError(.invalidInput, statement: statement.name, message: message)
        }
        if bytes.capacity > 1 << 20 { bytes = [] }
        bytes.removeAll(keepingCapacity: true)
        offsets.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
        formats.removeAll(keepingCapacity: true)
        for (index, bind) in binds.enumerated() {
            guard let bind else {
                append(offset: -1, length: 0, format: .binary)
                continue
            }
            guard let format = type(of: bind).format(for: types[index]) else {
                let message =
                    "parameter $\(index + 1) is a \(type(of: bind)), the statement wants \(PostgresType.name(types[index])); a cast in the SQL says which is meant"
                throw PostgresError(.invalidInput, statement: statement.name, message: message)
            }
            let offset = bytes.count
            do {
                try bind.encode(as: types[index], into: &bytes)
            } catch {
                throw PostgresError(.invalidInput, statement: statement.name, message: "parameter $\(index + 1): \(error)")
            }
            let length = bytes.count - offset
            guard length <= 1 << 30 else {
                throw PostgresError(.invalidInput, statement: statement.name, message: "parameter $\(index + 1) is too long")
            }
            if format == .text, bytes[offset...].contains(0) {
                throw PostgresError(.invalidInput, statement: statement.name, message: "parameter $\(index + 1) has a zero byte in its text")
            }
            append(offset: offset, length: Int32(length), format: format)
            bytes.append(0)
        }
    }

    /// Lends what `PQexecPrepared` wants.
    func withArguments<R>(_ body: ([UnsafePointer<CChar>?], [Int32], [Int32]) -> R) -> R {
        unsafe bytes.withUnsafeBytes { buffer in
            let base = unsafe buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            let values = unsafe offsets.map { offset in unsafe offset < 0 ? nil : base.map { unsafe $0 + offset } }
            return unsafe body(values, lengths, formats)
        }
    }

    private mutating func append(offset: Int, length: Int32, format: WireFormat) {
        offsets.append(offset)
        lengths.append(length)
        formats.append(format.rawValue)
    }
}
