/// A value that can be a parameter.
///
/// The server decides a parameter's type from the statement's text; a value is asked whether it can be that type and in which format. So an `Int` fits
/// `int2`, `int4`, `int8` and `numeric` alike, with a range check on this side.
package protocol PostgresEncodable: PostgresArrayEncodable {
    /// The type that this value is by nature.
    static var postgresType: UInt32 { get }

    /// How a parameter of the given type is sent; nil when the value cannot be one.
    static func format(for type: UInt32) -> WireFormat?

    /// Appends the value in the format that `format(for:)` named; text is neither escaped nor terminated.
    func encode(as type: UInt32, into bytes: inout [UInt8]) throws(BindError)
}

extension PostgresEncodable {
    package static func format(for type: UInt32) -> WireFormat? { type == postgresType ? .binary : nil }
}

/// The two formats of the protocol, under its numbers.
package enum WireFormat: Int32, Sendable {
    case text = 0
    case binary = 1
}

/// Why a value cannot be sent; it does not repeat the value.
package enum BindError: Error, CustomStringConvertible {
    case outOfRange
    case zeroByte
    case nestedArray

    package var description: String {
        switch self {
        case .outOfRange: "the value is out of the range of the parameter's type"
        case .zeroByte: "text cannot hold a zero byte"
        case .nestedArray: "arrays have one dimension"
        }
    }
}

/// An enumeration of strings or numbers is sent as its raw value: `enum State: String, PostgresEncodable`.
extension PostgresEncodable where Self: RawRepresentable, RawValue: PostgresEncodable {
    package static var postgresType: UInt32 { RawValue.postgresType }
    package static func format(for type: UInt32) -> WireFormat? { RawValue.format(for: type) }
    package func encode(as type: UInt32, into bytes: inout [UInt8]) throws(BindError) { try rawValue.encode(as: type, into: &bytes) }
}

extension [UInt8] {
    mutating func appendBigEndian(_ value: some FixedWidthInteger) {
        unsafe Swift.withUnsafeBytes(of: value.bigEndian) { unsafe append(contentsOf: $0) }
    }
}
