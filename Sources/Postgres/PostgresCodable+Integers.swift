extension Bool: PostgresEncodable, PostgresDecodable {
    package static var postgresType: UInt32 { PostgresType.bool }
    package func encode(as type: UInt32, into bytes: inout [UInt8]) { bytes.append(self ? 1 : 0) }

    package static func decode(_ cell: Cell) throws(CellError) -> Bool {
        guard cell.type == PostgresType.bool else { throw .wrongType }
        return try cell.whole(UInt8.self) != 0
    }
}

extension Int: PostgresEncodable, PostgresDecodable {}
extension Int16: PostgresEncodable, PostgresDecodable {}
extension Int32: PostgresEncodable, PostgresDecodable {}
extension Int64: PostgresEncodable, PostgresDecodable {}

extension Int16 { package static var postgresType: UInt32 { PostgresType.int2 } }
extension Int32 { package static var postgresType: UInt32 { PostgresType.int4 } }
extension Int64 { package static var postgresType: UInt32 { PostgresType.int8 } }
extension Int { package static var postgresType: UInt32 { PostgresType.int8 } }

/// Integers fit every integer type that holds their value; they are read from every integer type, and from a `numeric` without a fraction, which is
/// what `sum` of a `bigint` returns.
extension PostgresEncodable where Self: FixedWidthInteger & SignedInteger {
    package static func format(for type: UInt32) -> WireFormat? {
        switch type {
        case PostgresType.int2, PostgresType.int4, PostgresType.int8, PostgresType.oid, PostgresType.float8: .binary
        case PostgresType.numeric: .text
        default: nil
        }
    }

    package func encode(as type: UInt32, into bytes: inout [UInt8]) throws(BindError) {
        switch type {
        case PostgresType.int2: bytes.appendBigEndian(try exactly(Int16.self))
        case PostgresType.int4: bytes.appendBigEndian(try exactly(Int32.self))
        case PostgresType.oid: bytes.appendBigEndian(try exactly(UInt32.self))
        case PostgresType.float8:
            guard let double = Double(exactly: self) else { throw .outOfRange }
            bytes.appendBigEndian(double.bitPattern)
        case PostgresType.numeric: bytes.append(contentsOf: String(self).utf8)
        default: bytes.appendBigEndian(Int64(self))
        }
    }

    private func exactly<T: FixedWidthInteger>(_: T.Type) throws(BindError) -> T {
        guard let value = T(exactly: self) else { throw .outOfRange }
        return value
    }
}

extension PostgresDecodable where Self: FixedWidthInteger & SignedInteger {
    package static func decode(_ cell: Cell) throws(CellError) -> Self {
        let value: Int64
        switch cell.type {
        case PostgresType.int8: value = try cell.whole(Int64.self)
        case PostgresType.int4: value = Int64(try cell.whole(Int32.self))
        case PostgresType.int2: value = Int64(try cell.whole(Int16.self))
        case PostgresType.oid: value = Int64(try cell.whole(UInt32.self))
        case PostgresType.numeric: value = try Numeric.decode(cell, scale: 0)
        default: throw .wrongType
        }
        guard let own = Self(exactly: value) else { throw .outOfRange }
        return own
    }
}
