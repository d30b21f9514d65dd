internal import Postgres

/// An amount of money in millionths of the currency's unit.
///
/// Never floating point.
///
/// In SQL it is `numeric(18,6)`; in the API a decimal string, `"12.50"`, with the currency's digits and more only where the amount has them.
package struct Money: Hashable, Comparable, Sendable {
    package let micros: Int64

    package init(micros: Int64) {
        self.micros = micros
    }

    package static let zero = Money(micros: 0)
    /// What `numeric(18,6)` can hold.
    package static let largest = Money(micros: 999_999_999_999_999_999)

    package static func < (left: Money, right: Money) -> Bool { left.micros < right.micros }

    // Traps on overflow, as integers do: an amount beyond `numeric(18,6)` never comes in through `init(_:)`.
    package static func + (left: Money, right: Money) -> Money { Money(micros: left.micros + right.micros) }
    package static func - (left: Money, right: Money) -> Money { Money(micros: left.micros - right.micros) }
    package static prefix func - (money: Money) -> Money { Money(micros: -money.micros) }

    /// This amount times a whole number; nil when it would not fit `numeric(18,6)`.
    package func times(_ count: Int) -> Money? {
        let (product, overflow) = micros.multipliedReportingOverflow(by: Int64(count))
        guard !overflow, abs(product) <= Self.largest.micros else { return nil }
        return Money(micros: product)
    }
}

extension Money: CustomStringConvertible {
    /// Reads a plain decimal with at most six digits after the point: `12`, `12.50`, `-0.000001`.
    ///
    /// No exponent, no sign `+`, no spaces.
    package init?(_ text: some StringProtocol) {
        var digits = Substring(text)
        let negative = digits.first == "-"
        if negative { digits.removeFirst() }
        let parts = digits.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first, !whole.isEmpty, whole.count <= 12, whole.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        var fraction: Substring = ""
        if parts.count == 2 {
            fraction = parts[1]
            guard !fraction.isEmpty, fraction.count <= 6, fraction.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        }
        let padded = fraction + String(repeating: "0", count: 6 - fraction.count)
        guard let units = Int64(whole), let millionths = Int64(padded) else { return nil }
        let micros = units * 1_000_000 + millionths
        self.init(micros: negative ? -micros : micros)
    }

    /// At least two digits after the point, more where the amount has them: `12.50`, `0.000001`.
    package var description: String {
        let magnitude = micros.magnitude
        let fraction = String(magnitude % 1_000_000)
        var digits = String(repeating: "0", count: 6 - fraction.count) + fraction
        while digits.count > 2, digits.hasSuffix("0") { digits.removeLast() }
        return (micros < 0 ? "-" : "") + "\(magnitude / 1_000_000).\(digits)"
    }
}

extension Money: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let money = Money(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "an amount is a decimal string with at most six digits after the point")
        }
        self = money
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
