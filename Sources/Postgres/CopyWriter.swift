internal import CPostgres

/// Writes rows of COPY's text format and sends them in chunks; lives as long as the body of `copyIn`.
@safe
package struct CopyWriter {
    static let chunkSize = 64 * 1024

    private let connection: OpaquePointer
    private var bytes: [UInt8] = []

    init(_ connection: OpaquePointer) {
        unsafe self.connection = unsafe connection
        bytes.reserveCapacity(Self.chunkSize + 4096)
    }

    /// Writes one row; nil is NULL.
    package mutating func row(_ fields: (any CopyField)?...) throws(PostgresError) { try row(fields) }

    /// Writes one row with its fields in an array.
    package mutating func row(_ fields: [(any CopyField)?]) throws(PostgresError) {
        var isFirst = true
        for field in fields {
            if !isFirst { bytes.append(9) }
            isFirst = false
            if let field {
                field.appendCopyText(to: &bytes)
            } else {
                bytes.append(contentsOf: CopyText.null)
            }
        }
        bytes.append(10)
        if bytes.count >= Self.chunkSize { try flush() }
    }

    /// Sends bytes that are in the command's format already, CSV for example.
    package mutating func raw(_ chunk: [UInt8]) throws(PostgresError) {
        bytes.append(contentsOf: chunk)
        if bytes.count >= Self.chunkSize { try flush() }
    }

    mutating func flush() throws(PostgresError) {
        guard !bytes.isEmpty else { return }
        let status = unsafe bytes.withUnsafeBytes { buffer in
            unsafe PQputCopyData(connection, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(buffer.count))
        }
        bytes.removeAll(keepingCapacity: true)
        guard status == 1 else { throw unsafe PostgresError(result: nil, connection: connection, statement: "") }
    }
}
