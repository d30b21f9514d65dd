/// The contents of a TZif file of version 2 or later (RFC 8536): when a zone changed its offset, and the rule for all time after.
struct TimeZoneFile: Hashable, Sendable {
    /// Unix seconds, increasing.
    let changes: [Int64]
    /// Seconds east of UTC, from the change of the same index on.
    let offsets: [Int]
    /// Before the first change.
    let firstOffset: Int
    /// After the last change; nil when the offset stays.
    let rule: PosixTimeZone?

    /// Nil for bytes that are no such file.
    ///
    /// Files with leap seconds (`right/…`) are refused too: our clock does not count them.
    init?(_ bytes: [UInt8]) {
        var reader = Reader(bytes: bytes)
        // The first block has 32-bit times, for readers of before 2005.
        guard let old = Header(&reader), reader.skip(old.blockSize(timeSize: 4)), let header = Header(&reader), header.leapCount == 0,
            header.typeCount > 0
        else { return nil }
        guard reader.remaining >= header.blockSize(timeSize: 8) else { return nil }
        var times: [Int64] = []
        for _ in 0..<header.timeCount {
            guard let time = reader.integer(8), time > times.last ?? .min else { return nil }
            times.append(time)
        }
        var indices: [Int] = []
        for _ in 0..<header.timeCount {
            guard let index = reader.integer(1), index >= 0, index < header.typeCount else { return nil }
            indices.append(Int(index))
        }
        var types: [Int] = []
        for _ in 0..<header.typeCount {
            guard let offset = reader.integer(4), abs(offset) < 26 * 3600, reader.skip(2) else { return nil }
            types.append(Int(offset))
        }
        guard reader.skip(header.characterCount + header.standardCount + header.universalCount), let footer = reader.footer() else { return nil }
        if footer.isEmpty {
            rule = nil
        } else {
            guard let parsed = PosixTimeZone(footer) else { return nil }
            rule = parsed
        }
        firstOffset = types[0]
        (changes, offsets) = TimeZoneFile.effective(times, indices.map { types[$0] }, before: types[0])
    }

    /// Without the entries where only the zone's abbreviation changed; but the last entry stays, since it says from when on the rule holds.
    private static func effective(_ times: [Int64], _ offsets: [Int], before: Int) -> ([Int64], [Int]) {
        var kept: [(Int64, Int)] = []
        for (time, offset) in zip(times, offsets) where offset != kept.last?.1 ?? before || time == times.last { kept.append((time, offset)) }
        return (kept.map(\.0), kept.map(\.1))
    }
}

private struct Header {
    let universalCount: Int
    let standardCount: Int
    let leapCount: Int
    let timeCount: Int
    let typeCount: Int
    let characterCount: Int

    init?(_ reader: inout Reader) {
        guard reader.accept("TZif"), let version = reader.integer(1), version >= Int64(UInt8(ascii: "2")), reader.skip(15) else { return nil }
        var counts: [Int] = []
        for _ in 0..<6 {
            guard let count = reader.integer(4), count >= 0 else { return nil }
            counts.append(Int(count))
        }
        (universalCount, standardCount, leapCount) = (counts[0], counts[1], counts[2])
        (timeCount, typeCount, characterCount) = (counts[3], counts[4], counts[5])
    }

    func blockSize(timeSize: Int) -> Int {
        timeCount * (timeSize + 1) + typeCount * 6 + characterCount + leapCount * (timeSize + 4) + standardCount + universalCount
    }
}

private struct Reader {
    let bytes: [UInt8]
    var position = 0

    var remaining: Int { bytes.count - position }

    mutating func skip(_ count: Int) -> Bool {
        guard remaining >= count else { return false }
        position += count
        return true
    }

    mutating func accept(_ text: StaticString) -> Bool {
        let wanted = Array(text.description.utf8)
        return bytes[position...].starts(with: wanted) && skip(wanted.count)
    }

    /// A signed big-endian number; one byte is unsigned.
    mutating func integer(_ size: Int) -> Int64? {
        guard remaining >= size else { return nil }
        let value = bytes[position..<(position + size)].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        position += size
        return size == 4 ? Int64(Int32(truncatingIfNeeded: value)) : Int64(bitPattern: value)
    }

    /// The text between the last two line feeds.
    mutating func footer() -> String? {
        guard remaining >= 2, bytes[position] == UInt8(ascii: "\n"), let end = bytes[(position + 1)...].firstIndex(of: UInt8(ascii: "\n")) else {
            return nil
        }
        return String(validating: bytes[(position + 1)..<end], as: UTF8.self)
    }
}
