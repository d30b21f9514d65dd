package import Bytes
package import Clocks
package import JSON

/// What may stand in a field of the log.
///
/// A type must be admitted on purpose: a secret is not, and logging one does not compile.
package protocol LogValue {
    var logValue: JSONValue { get }
}

extension String: LogValue {
    package var logValue: JSONValue { .string(self) }
}

extension Substring: LogValue {
    package var logValue: JSONValue { .string(String(self)) }
}

extension StaticString: LogValue {
    package var logValue: JSONValue { .string(description) }
}

extension Bool: LogValue {
    package var logValue: JSONValue { .bool(self) }
}

extension Int: LogValue {
    package var logValue: JSONValue { .int(Int64(self)) }
}

extension Int32: LogValue {
    package var logValue: JSONValue { .int(Int64(self)) }
}

extension Int64: LogValue {
    package var logValue: JSONValue { .int(self) }
}

extension UInt64: LogValue {
    package var logValue: JSONValue { Int64(exactly: self).map(JSONValue.int) ?? .double(Double(self)) }
}

extension Double: LogValue {
    package var logValue: JSONValue { .double(self) }
}

extension Duration: LogValue {
    /// Seconds, with microseconds.
    package var logValue: JSONValue { .double(Double(microseconds) / 1_000_000) }
}

extension Identifier: LogValue {
    package var logValue: JSONValue { .string(description) }
}

extension Instant: LogValue {
    package var logValue: JSONValue { .string(LogTime.text(microseconds)) }
}

extension JSONValue: LogValue {
    package var logValue: JSONValue { self }
}

extension Array: LogValue where Element: LogValue {
    package var logValue: JSONValue { .array(map(\.logValue)) }
}

extension Optional: LogValue where Wrapped: LogValue {
    package var logValue: JSONValue { self?.logValue ?? .null }
}
