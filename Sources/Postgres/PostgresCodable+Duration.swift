/// An `interval` of microseconds; what is smaller is cut off. Read from intervals of days and microseconds, a day being 24 hours; months have no length.
extension Duration: PostgresEncodable, PostgresDecodable {
    package static var postgresType: UInt32 { PostgresType.interval }

    package func encode(as type: UInt32, into bytes: inout [UInt8]) throws(BindError) {
        let (seconds, attoseconds) = components
        let (whole, first) = seconds.multipliedReportingOverflow(by: 1_000_000)
        let (microseconds, second) = whole.addingReportingOverflow(attoseconds / 1_000_000_000_000)
        guard !first, !second else { throw .outOfRange }
        bytes.appendBigEndian(microseconds)
        bytes.appendBigEndian(Int32(0))
        bytes.appendBigEndian(Int32(0))
    }

    package static func decode(_ cell: Cell) throws(CellError) -> Duration {
        guard cell.type == PostgresType.interval else { throw .wrongType }
        guard cell.count == 16 else { throw .malformed }
        guard try cell.integer(Int32.self, at: 12) == 0 else { throw .outOfRange }
        return .microseconds(try cell.integer(Int64.self)) + .seconds(86_400 * Int64(try cell.integer(Int32.self, at: 8)))
    }
}
