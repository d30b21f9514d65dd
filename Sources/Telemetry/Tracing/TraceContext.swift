/// Which trace a request or job belongs to: the header `traceparent` of W3C Trace Context, level 1.
///
/// Millrace carries it from the request through the job's payload to the webhook, and into the log; it keeps no spans of its own.
package struct TraceContext: Sendable, Hashable {
    /// The two halves of the 128-bit trace id; not both zero.
    package let traceHigh: UInt64
    package let traceLow: UInt64
    /// The id of the calling span; not zero.
    package let span: UInt64
    package let isSampled: Bool

    /// A new trace.
    package static func make(sampled: Bool = false) -> TraceContext {
        TraceContext(traceHigh: .random(in: 1 ... .max), traceLow: .random(in: 0 ... .max), span: .random(in: 1 ... .max), isSampled: sampled)
    }

    /// The context for what is called from here: the same trace, a new span.
    package func child() -> TraceContext {
        TraceContext(traceHigh: traceHigh, traceLow: traceLow, span: .random(in: 1 ... .max), isSampled: isSampled)
    }

    private init(traceHigh: UInt64, traceLow: UInt64, span: UInt64, isSampled: Bool) {
        self.traceHigh = traceHigh
        self.traceLow = traceLow
        self.span = span
        self.isSampled = isSampled
    }
}

extension TraceContext {
    /// Reads a header of section 3.2: lower-case hexadecimal, no zero ids; of a later version only the part that version 00 has.
    package init?(traceparent text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard bytes.count >= 55, [2, 35, 52].allSatisfy({ bytes[$0] == UInt8(ascii: "-") }),
            let version = Self.number(bytes[0..<2]), version != 0xFF, bytes.count == 55 || version > 0 && bytes[55] == UInt8(ascii: "-"),
            let high = Self.number(bytes[3..<19]), let low = Self.number(bytes[19..<35]), high | low != 0,
            let span = Self.number(bytes[36..<52]), span != 0, let flags = Self.number(bytes[53..<55])
        else { return nil }
        self.init(traceHigh: high, traceLow: low, span: span, isSampled: flags & 1 == 1)
    }

    /// The header's text: `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`.
    package var traceparent: String { "00-\(traceID)-\(Self.hex(span))-\(isSampled ? "01" : "00")" }

    /// The trace id as 32 hexadecimal digits, for the log.
    package var traceID: String { Self.hex(traceHigh) + Self.hex(traceLow) }

    private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for byte in digits {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(byte - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return value
    }

    private static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
