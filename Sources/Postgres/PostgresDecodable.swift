/// A value that can be read from a result's column.
package protocol PostgresDecodable: PostgresArrayDecodable {
    /// Reads the value straight from the result's memory.
    static func decode(_ cell: Cell) throws(CellError) -> Self

    /// What NULL is; only `Optional` has an answer.
    static func decodeNull() throws(CellError) -> Self
}

extension PostgresDecodable {
    package static func decodeNull() throws(CellError) -> Self { throw .null }
}

/// Why a cell is not what the code asked for.
package enum CellError: Error, CustomStringConvertible {
    case null
    case wrongType
    case malformed
    case outOfRange
    case unknownCase

    package var description: String {
        switch self {
        case .null: "is NULL and the code does not expect it"
        case .wrongType: "has another type"
        case .malformed: "is not well formed"
        case .outOfRange: "is out of the range of the code's type"
        case .unknownCase: "is none of the values that the code knows"
        }
    }
}

extension Optional: PostgresArrayDecodable where Wrapped: PostgresDecodable {}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    package static func decode(_ cell: Cell) throws(CellError) -> Wrapped? { try Wrapped.decode(cell) }
    package static func decodeNull() throws(CellError) -> Wrapped? { nil }
}

/// An enumeration of strings or numbers is read by its raw value: `enum State: String, PostgresDecodable`.
extension PostgresDecodable where Self: RawRepresentable, RawValue: PostgresDecodable {
    package static func decode(_ cell: Cell) throws(CellError) -> Self {
        guard let value = Self(rawValue: try RawValue.decode(cell)) else { throw .unknownCase }
        return value
    }
}
