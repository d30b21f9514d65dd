/// An exact amount of millionths, for `numeric(…,6)`: money, prices, ratios.
package struct Micros: Hashable, Comparable, Sendable {
    package var millionths: Int64

    package init(millionths: Int64) { self.millionths = millionths }

    package static func < (left: Micros, right: Micros) -> Bool { left.millionths < right.millionths }
}

extension Micros: CustomStringConvertible {
    /// The decimal number with six places, `-0.000001`.
    package var description: String {
        let magnitude = millionths.magnitude
        let fraction = String(magnitude % 1_000_000)
        let sign = millionths < 0 ? "-" : ""
        return "\(sign)\(magnitude / 1_000_000).\(String(repeating: "0", count: 6 - fraction.utf8.count))\(fraction)"
    }
}

extension Micros: PostgresEncodable, PostgresDecodable {
    package static var postgresType: UInt32 { PostgresType.numeric }

    package func encode(as type: UInt32, into bytes: inout [UInt8]) { Numeric.encode(millionths: millionths, into: &bytes) }

    package static func decode(_ cell: Cell) throws(CellError) -> Micros {
        switch cell.type {
        case PostgresType.numeric: return Micros(millionths: try Numeric.decode(cell, scale: 6))
        case PostgresType.int8, PostgresType.int4, PostgresType.int2:
            let (value, overflow) = try Int64.decode(cell).multipliedReportingOverflow(by: 1_000_000)
            guard !overflow else { throw .outOfRange }
            return Micros(millionths: value)
        default: throw .wrongType
        }
    }
}
