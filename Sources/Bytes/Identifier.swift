internal import CLinux
internal import Synchronization

/// A UUID version 7: 128 bits that sort by the time they were made.
///
/// Identifiers made by one process are strictly increasing: the 12 bits of `rand_a` count within a millisecond (RFC 9562, section 6.2, method 1).
/// In SQL it is a `uuid`; in the API it carries a type prefix, `plan_0192f0c1d2e37abc8def0123456789ab`.
package struct Identifier: Hashable, Comparable, Sendable {
    /// The most significant 64 bits: 48 bits of milliseconds since 1970, version, counter.
    package let high: UInt64
    /// The least significant 64 bits: variant and randomness.
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Makes a new identifier, greater than every earlier one of this process.
    package static func next() -> Identifier {
        generator.next()
    }

    /// When it was made, in milliseconds since 1970.
    package var milliseconds: Int64 { Int64(high >> 16) }

    package static func < (left: Identifier, right: Identifier) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }

    private static let generator = Generator()
}

extension Identifier: CustomStringConvertible {
    /// The canonical form of RFC 9562: 36 characters in lower case.
    package var description: String {
        let digits = hexDigits
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for (index, digit) in digits.enumerated() {
            if index == 8 || index == 12 || index == 16 || index == 20 { text.append(UInt8(ascii: "-")) }
            text.append(digit)
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The API's form: the prefix, an underscore and 32 hexadecimal digits.
    package func text(_ prefix: String) -> String {
        prefix + "_" + String(decoding: hexDigits, as: UTF8.self)
    }

    /// Reads 32 hexadecimal digits, with or without the hyphens of the canonical form.
    package init?(_ text: some StringProtocol) {
        var high: UInt64 = 0
        var low: UInt64 = 0
        var count = 0
        for (position, byte) in text.utf8.enumerated() {
            let nibble: UInt64
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): nibble = UInt64(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): nibble = UInt64(byte - UInt8(ascii: "a") + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): nibble = UInt64(byte - UInt8(ascii: "A") + 10)
            case UInt8(ascii: "-") where position == 8 || position == 13 || position == 18 || position == 23: continue
            default: return nil
            }
            guard count < 32 else { return nil }
            if count < 16 { high = high << 4 | nibble } else { low = low << 4 | nibble }
            count += 1
        }
        guard count == 32, text.utf8.count == 32 || text.utf8.count == 36 else { return nil }
        self.init(high: high, low: low)
    }

    /// Reads the API's form and requires this prefix.
    package init?(_ text: some StringProtocol, prefix: String) {
        guard text.hasPrefix(prefix + "_") else { return nil }
        self.init(text.dropFirst(prefix.count + 1))
    }

    private var hexDigits: [UInt8] {
        var digits: [UInt8] = []
        digits.reserveCapacity(32)
        for word in [high, low] {
            for shift in stride(from: 60, through: 0, by: -4) {
                let nibble = UInt8(truncatingIfNeeded: word >> UInt64(shift)) & 15
                digits.append(nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10)
            }
        }
        return digits
    }
}

/// Hands out increasing identifiers; the random halves are drawn 256 at a time.
private final class Generator: Sendable {
    private struct State {
        var milliseconds: UInt64 = 0
        var counter: UInt64 = 0
        var random: [UInt64] = []
    }

    private let state = Mutex(State())

    func next() -> Identifier {
        let now = UInt64(clinux_wall_microseconds()) / 1000
        return state.withLock { state in
            if state.random.isEmpty { state.random = randomWords(256) }
            let random = state.random.removeLast()
            if now > state.milliseconds {
                state.milliseconds = now
                state.counter = random & 0x3FF
            } else {
                // The same millisecond, or a clock that went back: count on, borrowing from the future when the counter is full.
                state.counter += 1
                if state.counter > 0xFFF {
                    state.milliseconds += 1
                    state.counter = 0
                }
            }
            let high = state.milliseconds << 16 | 0x7000 | state.counter
            let low = random >> 2 | 0x8000_0000_0000_0000
            return Identifier(high: high, low: low & 0xBFFF_FFFF_FFFF_FFFF)
        }
    }
}

private func randomWords(_ count: Int) -> [UInt64] {
    unsafe [UInt64](unsafeUninitializedCapacity: count) { buffer, initialized in
        let status = unsafe clinux_random(buffer.baseAddress, count * MemoryLayout<UInt64>.stride)
        precondition(status == 0, "the kernel's random source answers")
        initialized = count
    }
}
