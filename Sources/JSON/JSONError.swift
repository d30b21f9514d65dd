/// What is wrong with a JSON text, a value that was to be decoded, or a schema that was to be loaded.
///
/// It never carries the values themselves.
package struct JSONError: Error, Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        /// The text is not JSON (RFC 8259), or not UTF-8.
        case syntax
        /// One object names the same key twice.
        case duplicateKey
        /// The text is JSON and exceeds a limit: depth, bytes, or the range of numbers.
        case limit
        /// The value has not the shape that the type wants, or the type cannot be written as JSON.
        case mismatch
        /// The schema is wrong: an unknown keyword, an unresolved reference, a pattern outside of the subset.
        case schema
    }

    package var kind: Kind
    /// What was expected, in one English sentence without a full stop.
    package var message: String
    /// The line in the text, from 1; nil when the error is not about a text.
    package var line: Int?
    /// The column in Unicode scalars, from 1.
    package var column: Int?
    /// Where in the value or in the schema, as a JSON Pointer (RFC 6901): `/lines/0/amount`, or empty for the whole.
    package var path: String

    package init(_ kind: Kind, _ message: String, line: Int? = nil, column: Int? = nil, path: String = "") {
        self.kind = kind
        self.message = message
        self.line = line
        self.column = column
        self.path = path
    }
}

extension JSONError: CustomStringConvertible {
    package var description: String {
        if let line, let column { return "line \(line), column \(column): \(message)" }
        return path.isEmpty ? message : "\(path): \(message)"
    }
}
