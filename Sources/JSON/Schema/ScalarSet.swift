/// A set of Unicode scalars: a bitmap for ASCII, ranges for the rest.
struct ScalarSet: Sendable, Hashable {
    private var low: UInt64 = 0
    private var high: UInt64 = 0
    private var ranges: [ClosedRange<UInt32>] = []
    private var isInverted = false

    static let digits = ScalarSet("0"..."9")
    static let space = ScalarSet(" "..." ", "\t"..."\r")
    static let word = ScalarSet("0"..."9", "A"..."Z", "a"..."z", "_"..."_")
    /// What `.` matches: everything but the line terminators of ECMA-262.
    static let any = ScalarSet("\n"..."\n", "\r"..."\r", "\u{2028}"..."\u{2029}").inverted

    init(_ ranges: ClosedRange<Unicode.Scalar>...) {
        for range in ranges { insert(range) }
    }

    mutating func insert(_ range: ClosedRange<Unicode.Scalar>) {
        let (first, last) = (range.lowerBound.value, range.upperBound.value)
        for value in first..<max(first, min(128, last + 1)) {
            if value < 64 { low |= 1 << UInt64(value) } else { high |= 1 << UInt64(value - 64) }
        }
        if last >= 128 { ranges.append(max(128, first)...last) }
    }

    mutating func formUnion(_ other: ScalarSet) {
        precondition(!isInverted && !other.isInverted, "only plain sets are united")
        low |= other.low
        high |= other.high
        ranges += other.ranges
    }

    var inverted: ScalarSet {
        var copy = self
        copy.isInverted.toggle()
        return copy
    }

    func contains(_ scalar: Unicode.Scalar) -> Bool {
        let value = scalar.value
        let found: Bool
        if value < 64 {
            found = low >> UInt64(value) & 1 == 1
        } else if value < 128 {
            found = high >> UInt64(value - 64) & 1 == 1
        } else {
            found = ranges.contains { $0.contains(value) }
        }
        return found != isInverted
    }
}
