extension Array: PostgresDecodable where Element: PostgresArrayDecodable {
    package static func decode(_ cell: Cell) throws(CellError) -> [Element] { try Element.decodeArray(cell) }
}

extension Array: PostgresArrayDecodable where Element: PostgresArrayDecodable {}

/// What can be the element of an array that is read: every decodable value, and `UInt8`, whose arrays are `bytea`.
package protocol PostgresArrayDecodable {
    static func decodeArray(_ cell: Cell) throws(CellError) -> [Self]
}

extension UInt8: PostgresArrayDecodable {
    package static func decodeArray(_ cell: Cell) throws(CellError) -> [UInt8] {
        guard cell.type == PostgresType.bytea else { throw .wrongType }
        return cell.bytes()
    }
}

extension PostgresDecodable {
    /// Reads a one-dimensional array, or the empty one.
    package static func decodeArray(_ cell: Cell) throws(CellError) -> [Self] {
        guard PostgresType.element(ofArray: cell.type) != nil || cell.type >= PostgresType.firstOfUser else { throw .wrongType }
        let dimensions = try cell.integer(Int32.self)
        let element = try cell.integer(UInt32.self, at: 8)
        guard dimensions != 0 else { return [] }
        guard dimensions == 1 else { throw .outOfRange }
        let count = Int(try cell.integer(Int32.self, at: 12))
        guard count >= 0, cell.count >= 20 + 4 * count else { throw .malformed }
        var values: [Self] = []
        values.reserveCapacity(count)
        var offset = 20
        for _ in 0..<count {
            let length = Int(try cell.integer(Int32.self, at: offset))
            offset += 4
            if length < 0 {
                values.append(try decodeNull())
            } else {
                values.append(try decode(cell.part(element, at: offset, count: length)))
                offset += length
            }
        }
        return values
    }
}
