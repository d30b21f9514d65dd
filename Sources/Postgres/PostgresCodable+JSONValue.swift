package import JSON

extension JSONValue: PostgresEncodable, PostgresDecodable {
    package static var postgresType: UInt32 { PostgresType.jsonb }

    package static func format(for type: UInt32) -> WireFormat? { JSONText.format(for: type) }

    package func encode(as type: UInt32, into bytes: inout [UInt8]) { bytes.append(contentsOf: serialized()) }

    package static func decode(_ cell: Cell) throws(CellError) -> JSONValue {
        let text = try JSONText.decode(cell).text
        do {
            return try JSONValue(parsing: text)
        } catch {
            throw .malformed
        }
    }
}
