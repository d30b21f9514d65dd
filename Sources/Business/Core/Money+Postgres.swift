package import Postgres

/// In SQL `numeric(18,6)`, exact both ways.
extension Money: PostgresEncodable, PostgresDecodable {
    package static var postgresType: UInt32 { Micros.postgresType }

    package func encode(as type: UInt32, into bytes: inout [UInt8]) throws(BindError) {
        Micros(millionths: micros).encode(as: type, into: &bytes)
    }

    package static func decode(_ cell: Cell) throws(CellError) -> Money {
        Money(micros: try Micros.decode(cell).millionths)
    }
}
