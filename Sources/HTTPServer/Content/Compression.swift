internal import CZlib

/// gzip by zlib, for text that is worth it.
///
/// Small bodies fit into one packet anyway, and pictures are compressed already.
enum Compression {
    static let threshold = 1024

    /// Whether the client takes gzip (RFC 9110, section 12.5.3): named, or covered by `*`, and not with weight 0.
    static func isAccepted(_ headers: Headers) -> Bool {
        var byStar = false
        for member in headers.list("Accept-Encoding") {
            let parts = member.split(separator: ";")
            let refused = parts.dropFirst().contains { isZeroWeight($0) }
            guard let coding = parts.first?.trimmingSpaces() else { continue }
            if coding.equalsWithoutCase("gzip") { return !refused }
            if coding == "*" { byStar = !refused }
        }
        return byStar
    }

    /// The bytes as one gzip member; nil when zlib refuses or nothing is won.
    static func gzip(_ bytes: [UInt8]) -> [UInt8]? {
        var stream = unsafe z_stream()
        let windowBits: Int32 = 15 + 16
        let status = unsafe deflateInit2_(
            &stream, 5, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { return nil }
        defer { unsafe deflateEnd(&stream) }
        var isDone = false
        let packed = unsafe [UInt8](unsafeUninitializedCapacity: bytes.count) { output, count in
            unsafe bytes.withUnsafeBufferPointer { input in
                // zlib does not write through next_in; its type says so only under a build option.
                unsafe stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                unsafe stream.avail_in = UInt32(clamping: input.count)
                unsafe stream.next_out = output.baseAddress
                unsafe stream.avail_out = UInt32(clamping: output.count)
                isDone = unsafe deflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_in == 0 && input.count <= UInt32.max
            }
            count = unsafe Int(stream.total_out)
        }
        return isDone ? packed : nil
    }

    private static func isZeroWeight(_ parameter: Substring) -> Bool {
        let text = parameter.filter { $0 != " " && $0 != "\t" }.lowercased()
        return text.hasPrefix("q=0") && text.dropFirst(3).allSatisfy { $0 == "." || $0 == "0" }
    }
}
