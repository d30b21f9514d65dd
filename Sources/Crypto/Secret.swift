/// A value that must not be printed: a key, a token, a password.
///
/// It reads `•••` wherever text is made of it: interpolation, `print`, `dump`, a debugger's summary, a failed expectation. The only way to the value is
/// the word `reveal`, so that a reviewer finds every place. It is not `Equatable`: compare with `ConstantTime`.
package struct Secret<Value: Sendable>: Sendable {
    /// The value.
    ///
    /// Do not put it in a log line, an error or a metric.
    package let reveal: Value

    package init(_ value: Value) {
        reveal = value
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "•••" }

    package var debugDescription: String { "•••" }

    package var customMirror: Mirror { Mirror(self, children: []) }
}
