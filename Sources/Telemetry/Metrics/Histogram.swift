internal import Synchronization

/// How often values fell below fixed bounds, and their sum.
package final class Histogram: Sendable {
    /// Upper bounds, ascending; a last bucket takes what is above all of them.
    package let bounds: [Double]
    private let buckets: [Counter]
    private let sumBits = Atomic<UInt64>(0)

    /// Bounds in seconds for jobs and requests: half a millisecond to a minute.
    package static let seconds: [Double] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
    /// Bounds for sizes of batches.
    package static let sizes: [Double] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]

    package init(bounds: [Double]) {
        precondition(!bounds.isEmpty && zip(bounds, bounds.dropFirst()).allSatisfy(<), "the bounds of a histogram ascend")
        self.bounds = bounds
        buckets = (0...bounds.count).map { _ in Counter() }
    }

    package func observe(_ value: Double) {
        guard !value.isNaN else { return }
        buckets[index(of: value)].increment()
        sumBits.addDouble(value)
    }

    /// Observes a duration in seconds.
    package func observe(_ duration: Duration) {
        observe(Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18)
    }

    package var count: Int { buckets.reduce(0) { $0 + $1.value } }
    package var sum: Double { Double(bitPattern: sumBits.load(ordering: .relaxed)) }

    /// The observations at or below each bound, and all of them at the end: what Prometheus calls cumulative buckets.
    package var cumulative: [Int] {
        var total = 0
        return buckets.map { bucket in
            total += bucket.value
            return total
        }
    }

    /// The first bucket whose bound is not below the value, by halving.
    private func index(of value: Double) -> Int {
        var low = 0
        var high = bounds.count
        while low < high {
            let middle = (low + high) / 2
            if bounds[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
