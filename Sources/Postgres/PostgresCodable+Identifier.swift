package import Bytes

extension Identifier: PostgresEncodable, PostgresDecodable {
    package static var postgresType: UInt32 { PostgresType.uuid }

    package func encode(as type: UInt32, into bytes: inout [UInt8]) {
        bytes.appendBigEndian(high)
        bytes.appendBigEndian(low)
    }

    package static func decode(_ cell: Cell) throws(CellError) -> Identifier {
        guard cell.type == PostgresType.uuid else { throw .wrongType }
        guard cell.count == 16 else { throw .malformed }
        return Identifier(high: try cell.integer(UInt64.self), low: try cell.integer(UInt64.self, at: 8))
    }
}
