/// What can be the element of an array parameter: every encodable value, an optional one, and `UInt8`, whose arrays are `bytea`.
package protocol PostgresArrayEncodable {
    /// The natural type of an array of these.
    static var arrayType: UInt32 { get }
    static func arrayFormat(for type: UInt32) -> WireFormat?
    static func encode(array: [Self], as type: UInt32, into bytes: inout [UInt8]) throws(BindError)
}

/// One-dimensional arrays. Binary (`array_send` in `arrayfuncs.c`): dimensions, "has NULLs", element type, length, lower bound, then each element behind
/// its length. Elements that travel as text make the array travel as an array literal.
extension Array: PostgresEncodable where Element: PostgresArrayEncodable {
    package static var postgresType: UInt32 { Element.arrayType }
    package static func format(for type: UInt32) -> WireFormat? { Element.arrayFormat(for: type) }

    package func encode(as type: UInt32, into bytes: inout [UInt8]) throws(BindError) {
        try Element.encode(array: self, as: type, into: &bytes)
    }
}

extension Array: PostgresArrayEncodable where Element: PostgresArrayEncodable {}

extension PostgresEncodable {
    package static var arrayType: UInt32 { PostgresType.array(of: postgresType) }

    package static func arrayFormat(for type: UInt32) -> WireFormat? { ArrayEncoding.format(Self.self, for: type) }

    package static func encode(array: [Self], as type: UInt32, into bytes: inout [UInt8]) throws(BindError) {
        try ArrayEncoding.encode(array.lazy.map(Optional.some), as: type, into: &bytes)
    }
}

extension Optional: PostgresArrayEncodable where Wrapped: PostgresEncodable {
    package static var arrayType: UInt32 { Wrapped.arrayType }
    package static func arrayFormat(for type: UInt32) -> WireFormat? { ArrayEncoding.format(Wrapped.self, for: type) }

    package static func encode(array: [Wrapped?], as type: UInt32, into bytes: inout [UInt8]) throws(BindError) {
        try ArrayEncoding.encode(array, as: type, into: &bytes)
    }
}

extension UInt8: PostgresArrayEncodable {
    package static var arrayType: UInt32 { PostgresType.bytea }
    package static func arrayFormat(for type: UInt32) -> WireFormat? { type == PostgresType.bytea ? .binary : nil }
    package static func encode(array: [UInt8], as type: UInt32, into bytes: inout [UInt8]) { bytes.append(contentsOf: array) }
}

private enum ArrayEncoding {
    /// A `bytea` inside an array is an element like any other; an array inside an array is not.
    static func format<Element: PostgresEncodable>(_: Element.Type, for type: UInt32) -> WireFormat? {
        if let element = PostgresType.element(ofArray: type) { return Element.format(for: element) }
        // An array of the database's own types, such as an enumeration: possible for what travels as text.
        return type >= PostgresType.firstOfUser ? Element.format(for: type) : nil
    }

    static func encode<Elements: Collection, Element: PostgresEncodable>(
        _ elements: Elements, as type: UInt32, into bytes: inout [UInt8]
    ) throws(BindError) where Elements.Element == Element? {
        let element = PostgresType.element(ofArray: type) ?? type
        if Element.format(for: element) == .text {
            try encodeText(elements, as: element, into: &bytes)
        } else {
            try encodeBinary(elements, as: element, into: &bytes)
        }
    }

    private static func encodeBinary<Elements: Collection, Element: PostgresEncodable>(
        _ elements: Elements, as type: UInt32, into bytes: inout [UInt8]
    ) throws(BindError) where Elements.Element == Element? {
        bytes.reserveCapacity(bytes.count + 20 + 12 * elements.count)
        bytes.appendBigEndian(Int32(elements.isEmpty ? 0 : 1))
        let flags = bytes.count
        bytes.appendBigEndian(Int32(0))
        bytes.appendBigEndian(type)
        if elements.isEmpty { return }
        guard let count = Int32(exactly: elements.count) else { throw .outOfRange }
        bytes.appendBigEndian(count)
        bytes.appendBigEndian(Int32(1))
        for element in elements {
            guard let element else {
                bytes[flags + 3] = 1
                bytes.appendBigEndian(Int32(-1))
                continue
            }
            let start = bytes.count
            bytes.appendBigEndian(Int32(0))
            try element.encode(as: type, into: &bytes)
            let length = UInt32(bytes.count - start - 4)
            for index in 0..<4 { bytes[start + index] = UInt8(truncatingIfNeeded: length >> UInt32(24 - 8 * index)) }
        }
    }

    /// `{"a","b\"c",NULL}`: everything quoted, so that nothing in it means anything.
    private static func encodeText<Elements: Collection, Element: PostgresEncodable>(
        _ elements: Elements, as type: UInt32, into bytes: inout [UInt8]
    ) throws(BindError) where Elements.Element == Element? {
        var scratch: [UInt8] = []
        bytes.append(UInt8(ascii: "{"))
        var isFirst = true
        for element in elements {
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            guard let element else {
                bytes.append(contentsOf: "NULL".utf8)
                continue
            }
            scratch.removeAll(keepingCapacity: true)
            try element.encode(as: type, into: &scratch)
            bytes.append(UInt8(ascii: "\""))
            for byte in scratch {
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { bytes.append(UInt8(ascii: "\\")) }
                bytes.append(byte)
            }
            bytes.append(UInt8(ascii: "\""))
        }
        bytes.append(UInt8(ascii: "}"))
    }
}
