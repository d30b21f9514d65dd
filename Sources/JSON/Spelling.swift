/// Guesses what a writer meant, for "did you mean".
package enum Spelling {
    /// The word most like this one, if one is like enough: case and separators ignored, at most one mistake in three letters.
    package static func nearest(to word: String, among words: some Sequence<String>) -> String? {
        guard word.utf8.count <= 64 else { return nil }
        let folded = fold(word)
        let limit = max(1, min(3, folded.count / 3))
        var best: (word: String, distance: Int)?
        for candidate in words {
            let other = fold(candidate)
            guard abs(other.count - folded.count) <= limit else { continue }
            let distance = distance(folded, other)
            if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.word
    }

    /// The suffix for a message: `: did you mean "amount"?`, or nothing.
    package static func hint(for word: String, among words: some Sequence<String>) -> String {
        nearest(to: word, among: words).map { ": did you mean \"\($0)\"?" } ?? ""
    }

    private static func fold(_ word: String) -> [UInt8] {
        word.utf8.compactMap { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
            case UInt8(ascii: "_"), UInt8(ascii: "-"): nil
            default: byte
            }
        }
    }

    /// Edits from one to the other, a swap of neighbours counted as one.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
        var older: [Int] = []
        var old = Array(0...right.count)
        for row in 1...left.count {
            var new = [row]
            for column in 1...right.count {
                let same = left[row - 1] == right[column - 1]
                var cost = min(old[column] + 1, new[column - 1] + 1, old[column - 1] + (same ? 0 : 1))
                if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
                    cost = min(cost, older[column - 2] + 1)
                }
                new.append(cost)
            }
            older = old
            old = new
        }
        return old[right.count]
    }
}
