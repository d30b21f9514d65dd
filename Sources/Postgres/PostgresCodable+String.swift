/// Strings travel as text whatever the parameter's type is, so a string can be an enumeration's label, a `citext` or an `inet`, and one that does not
/// fit is refused by the server with a proper error. (In binary format four letters would pass for an `int4`.)
extension String: PostgresEncodable, PostgresDecodable {
    package static var postgresType: UInt32 { PostgresType.text }
    package static func format(for type: UInt32) -> WireFormat? { .text }
    package func encode(as type: UInt32, into bytes: inout [UInt8]) { bytes.append(contentsOf: utf8) }

    package static func decode(_ cell: Cell) throws(CellError) -> String {
        switch cell.type {
        case PostgresType.text, PostgresType.varchar, PostgresType.bpchar, PostgresType.name, PostgresType.unknown, PostgresType.json:
            return try cell.text(trusted: true)
        case PostgresType.char: return try cell.text(trusted: false)
        case PostgresType.jsonb: return try JSONText.decode(cell).text
        case PostgresType.void: return ""
        case PostgresType.firstOfUser...: return try cell.text(trusted: false)
        default: throw .wrongType
        }
    }
}
