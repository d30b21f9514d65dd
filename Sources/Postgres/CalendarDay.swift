/// A day of the calendar without a time or a zone: PostgreSQL's `date`.
package struct CalendarDay: Hashable, Comparable, Sendable {
    /// Days since 1970-01-01.
    package let daysSince1970: Int

    package init(daysSince1970: Int) { self.daysSince1970 = daysSince1970 }

    package static func < (left: CalendarDay, right: CalendarDay) -> Bool { left.daysSince1970 < right.daysSince1970 }
}

/// PostgreSQL counts from 2000-01-01, which is day 10957; its infinities are not days.
extension CalendarDay: PostgresEncodable, PostgresDecodable {
    package static var postgresType: UInt32 { PostgresType.date }

    package func encode(as type: UInt32, into bytes: inout [UInt8]) throws(BindError) {
        let (days, overflow) = daysSince1970.subtractingReportingOverflow(10_957)
        guard !overflow, let value = Int32(exactly: days), value != .min, value != .max else { throw .outOfRange }
        bytes.appendBigEndian(value)
    }

    package static func decode(_ cell: Cell) throws(CellError) -> CalendarDay {
        guard cell.type == PostgresType.date else { throw .wrongType }
        let value = try cell.whole(Int32.self)
        guard value != .min, value != .max else { throw .outOfRange }
        return CalendarDay(daysSince1970: Int(value) + 10_957)
    }
}
