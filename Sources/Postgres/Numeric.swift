/// The binary form of `numeric` (`numeric_send` in PostgreSQL's `numeric.c`): four 16-bit words — count of digits, weight of the first, sign, decimal
/// places shown — and then the digits, each a number to the base 10 000; a digit of weight w counts 10000^w.
enum Numeric {
    private static let negative: UInt16 = 0x4000

    /// The value times 10^scale; it must be whole and fit.
    ///
    /// - Throws: `outOfRange` for what does not fit or is not exact, for NaN and for the infinities.
    static func decode(_ cell: Cell, scale: Int) throws(CellError) -> Int64 {
        let count = Int(try cell.integer(Int16.self))
        let weight = Int(try cell.integer(Int16.self, at: 2))
        let sign = try cell.integer(UInt16.self, at: 4)
        guard count >= 0, cell.count == 8 + 2 * count else { throw .malformed }
        guard sign == 0 || sign == negative else { throw .outOfRange }
        // Negative throughout, because the least Int64 has no positive counterpart.
        var total: Int64 = 0
        for position in 0..<count {
            let digit = Int64(try cell.integer(Int16.self, at: 8 + 2 * position))
            guard (0..<10_000).contains(digit) else { throw .malformed }
            guard digit != 0 else { continue }
            let exponent = 4 * (weight - position) + scale
            total = try subtract(digit, timesTenTo: exponent, from: total)
        }
        guard sign != negative else { return total }
        guard total != .min else { throw .outOfRange }
        return -total
    }

    private static func subtract(_ digit: Int64, timesTenTo exponent: Int, from total: Int64) throws(CellError) -> Int64 {
        guard exponent <= 18 else { throw .outOfRange }
        if exponent < 0 {
            guard exponent > -4 else { throw .outOfRange }
            let (quotient, remainder) = digit.quotientAndRemainder(dividingBy: power(-exponent))
            guard remainder == 0 else { throw .outOfRange }
            return try subtract(quotient, timesTenTo: 0, from: total)
        }
        let (product, first) = digit.multipliedReportingOverflow(by: power(exponent))
        if !first {
            let (difference, second) = total.subtractingReportingOverflow(product)
            if !second { return difference }
        }
        throw .outOfRange
    }

    private static func power(_ exponent: Int) -> Int64 { (0..<exponent).reduce(1) { value, _ in value * 10 } }

    /// Appends the number of millionths with six places.
    static func encode(millionths: Int64, into bytes: inout [UInt8]) {
        let magnitude = millionths.magnitude
        var whole = magnitude / 1_000_000
        // Six decimal places are one and a half digits to the base 10 000: as eight places they are two.
        let fraction = magnitude % 1_000_000 * 100
        var digits: [UInt64] = [fraction % 10_000, fraction / 10_000]
        while whole > 0 {
            digits.append(whole % 10_000)
            whole /= 10_000
        }
        let weight = digits.count - 3
        let significant = digits.reversed()
        bytes.appendBigEndian(Int16(significant.count))
        bytes.appendBigEndian(Int16(weight))
        bytes.appendBigEndian(millionths < 0 ? negative : 0)
        bytes.appendBigEndian(Int16(6))
        for digit in significant { bytes.appendBigEndian(Int16(digit)) }
    }
}
