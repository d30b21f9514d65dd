extension Double: PostgresEncodable, PostgresDecodable {
    package static var postgresType: UInt32 { PostgresType.float8 }

    package static func format(for type: UInt32) -> WireFormat? {
        switch type {
        case PostgresType.float8, PostgresType.float4: .binary
        default: nil
        }
    }

    package func encode(as type: UInt32, into bytes: inout [UInt8]) {
        if type == PostgresType.float4 {
            bytes.appendBigEndian(Float(self).bitPattern)
        } else {
            bytes.appendBigEndian(bitPattern)
        }
    }

    package static func decode(_ cell: Cell) throws(CellError) -> Double {
        switch cell.type {
        case PostgresType.float8: Double(bitPattern: try cell.whole(UInt64.self))
        case PostgresType.float4: Double(Float(bitPattern: try cell.whole(UInt32.self)))
        default: throw .wrongType
        }
    }
}
