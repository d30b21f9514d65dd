/// Sorted figures: machines are noisy, so one number alone says little.
struct Spread: Sendable {
    private let sorted: [Double]

    /// Nil when there is nothing.
    init?(_ values: some Sequence<Double>) {
        sorted = values.sorted()
        if sorted.isEmpty { return nil }
    }

    var minimum: Double { sorted[0] }
    var maximum: Double { sorted[sorted.count - 1] }

    /// The middle one, or the mean of the middle two.
    var median: Double { (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2 }

    /// The smallest value that at least this share of the values does not exceed (nearest rank), `share` from 0 to 1.
    func percentile(_ share: Double) -> Double {
        let rank = Int((share * Double(sorted.count)).rounded(.up))
        return sorted[min(max(rank, 1), sorted.count) - 1]
    }
}
