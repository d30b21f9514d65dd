/// The text of a `json` or `jsonb` value, not looked into.
package struct JSONText: Hashable, Sendable {
    package var text: String

    package init(text: String) { self.text = text }
}

extension JSONText: PostgresEncodable, PostgresDecodable {
    package static var postgresType: UInt32 { PostgresType.jsonb }

    package static func format(for type: UInt32) -> WireFormat? {
        type == PostgresType.json || type == PostgresType.jsonb || type == PostgresType.text ? .text : nil
    }

    package func encode(as type: UInt32, into bytes: inout [UInt8]) { bytes.append(contentsOf: text.utf8) }

    package static func decode(_ cell: Cell) throws(CellError) -> JSONText {
        switch cell.type {
        case PostgresType.json: return JSONText(text: try cell.text(trusted: true))
        case PostgresType.jsonb:
            // The binary form of jsonb is a version byte and the text.
            guard cell.count > 0, cell[0] == 1 else { throw .malformed }
            return JSONText(text: try cell.text(from: 1, trusted: true))
        default: throw .wrongType
        }
    }
}
