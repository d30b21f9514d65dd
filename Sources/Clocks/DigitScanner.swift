/// Reads texts of fixed shape, digits and separators, one after the other.
struct DigitScanner {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: some StringProtocol) {
        bytes = Array(text.utf8)
    }

    var isAtEnd: Bool { position == bytes.count }

    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    /// Exactly that many digits.
    mutating func number(_ count: Int) -> Int? {
        guard let (value, digits) = digits(atMost: count), digits == count else { return nil }
        return value
    }

    /// One digit at least and `limit` at most; more digits are not eaten.
    mutating func digits(atMost limit: Int) -> (value: Int, count: Int)? {
        var value = 0
        var count = 0
        while count < limit, let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
            count += 1
            position += 1
        }
        return count > 0 ? (value, count) : nil
    }

    mutating func accept(_ text: StaticString) -> Bool {
        let wanted = Array(text.description.utf8)
        guard bytes[position...].starts(with: wanted) else { return false }
        position += wanted.count
        return true
    }

    /// The longest prefix of such bytes.
    mutating func take(while matches: (UInt8) -> Bool) -> [UInt8] {
        let taken = Array(bytes[position...].prefix(while: matches))
        position += taken.count
        return taken
    }
}
