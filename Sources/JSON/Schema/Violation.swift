/// One way in which a value does not meet a schema.
package struct Violation: Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, stable for programs; the raw value is what the API sends.
    package enum Code: String, Hashable, Sendable, CaseIterable {
        case required
        case unknownField = "unknown_field"
        case wrongType = "wrong_type"
        case tooSmall = "too_small"
        case tooLarge = "too_large"
        case notMultiple = "not_multiple"
        case tooShort = "too_short"
        case tooLong = "too_long"
        case tooFewItems = "too_few_items"
        case tooManyItems = "too_many_items"
        case duplicateItem = "duplicate_item"
        case tooFewFields = "too_few_fields"
        case tooManyFields = "too_many_fields"
        case notInEnum = "not_in_enum"
        case badFormat = "bad_format"
        case patternMismatch = "pattern_mismatch"
        case noMatch = "no_match"
        case ambiguous
        case notAllowed = "not_allowed"
    }

    /// Where, as a JSON Pointer (RFC 6901): `/lines/0/amount`, or empty for the whole value.
    package var path: String
    package var code: Code
    /// What is expected, in English without subject and full stop: "must be at least 1, was -5".
    ///
    /// Never repeats a text of the value.
    package var message: String

    package init(path: String = "", code: Code, message: String) {
        self.path = path
        self.code = code
        self.message = message
    }

    package var description: String { path.isEmpty ? message : "\(path): \(message)" }
}
