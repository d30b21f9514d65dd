/// "Did you mean": the known name that a mistyped one was most likely meant to be.
package enum NearestName {
    /// The nearest candidate, or nil when none is near enough to be worth saying.
    ///
    /// Near means at most one slip (insertion, deletion, replacement, two neighbours swapped) per three characters of the longer name, at least one slip
    /// allowed. Case and the separators `-`, `_` and `.` do not count, so `maxAttempts`, `max_attempts` and `MAX-ATTEMPTS` are the same name.
    /// Among equals the first candidate wins.
    package static func suggestion(for name: String, among candidates: some Sequence<String>) -> String? {
        let wanted = folded(name)
        guard !wanted.isEmpty, wanted.count <= longest else { return nil }
        var best: (candidate: String, slips: Int)?
        for candidate in candidates {
            let known = folded(candidate)
            guard known.count <= longest else { continue }
            let length = max(wanted.count, known.count)
            let allowed = min(max(1, length / 3), length - 1)
            guard abs(wanted.count - known.count) <= allowed else { continue }
            let slips = slips(from: wanted, to: known)
            guard slips <= allowed, best.map({ slips < $0.slips }) ?? true else { continue }
            best = (candidate, slips)
        }
        return best?.candidate
    }

    /// Longer names are not compared: the work grows with the product of the lengths and the name may come from outside.
    private static let longest = 128

    private static func folded(_ name: String) -> [UInt8] {
        name.lowercased().utf8.filter { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: "_") && $0 != UInt8(ascii: ".") }
    }

    /// The optimal string alignment distance: Damerau-Levenshtein where no piece is edited twice.
    private static func slips(from left: [UInt8], to right: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in stride(from: 1, through: left.count, by: 1) {
            var current = [row]
            for column in stride(from: 1, through: right.count, by: 1) {
                let same = left[row - 1] == right[column - 1]
                var cost = min(last[column] + 1, current[column - 1] + 1, last[column - 1] + (same ? 0 : 1))
                if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
                    cost = min(cost, beforeLast[column - 2] + 1)
                }
                current.append(cost)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
