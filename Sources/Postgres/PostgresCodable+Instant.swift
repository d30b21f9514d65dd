package import Clocks

/// PostgreSQL counts microseconds from 2000-01-01T00:00:00Z; a `timestamp` without time zone is taken as UTC. `infinity` is the greatest `Instant`,
/// `-infinity` the least.
extension Instant: PostgresEncodable, PostgresDecodable {
    private static let epoch: Int64 = 946_684_800_000_000

    package static var postgresType: UInt32 { PostgresType.timestamptz }

    package static func format(for type: UInt32) -> WireFormat? {
        type == PostgresType.timestamptz || type == PostgresType.timestamp ? .binary : nil
    }

    package func encode(as type: UInt32, into bytes: inout [UInt8]) throws(BindError) {
        if microseconds == .max || microseconds == .min { return bytes.appendBigEndian(microseconds) }
        let (value, overflow) = microseconds.subtractingReportingOverflow(Self.epoch)
        guard !overflow else { throw .outOfRange }
        bytes.appendBigEndian(value)
    }

    package static func decode(_ cell: Cell) throws(CellError) -> Instant {
        guard cell.type == PostgresType.timestamptz || cell.type == PostgresType.timestamp else { throw .wrongType }
        let value = try cell.whole(Int64.self)
        if value == .max || value == .min { return Instant(microseconds: value) }
        let (microseconds, overflow) = value.addingReportingOverflow(epoch)
        guard !overflow else { throw .outOfRange }
        return Instant(microseconds: microseconds)
    }
}
