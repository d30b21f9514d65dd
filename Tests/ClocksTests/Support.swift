import Glibc

@testable import Clocks

/// A small generator whose seed can be printed and used again.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// A text in a test that does not read as what it should be.
struct Unreadable: Error {
    let text: String
}

func instant(_ text: String) throws -> Instant {
    guard let instant = Instant(text) else { throw Unreadable(text: text) }
    return instant
}

/// Another implementation's answer: the lines that a Python program prints for the lines that it reads.
enum Python {
    static let hasTimeZones = lines("import zoneinfo; print(zoneinfo.ZoneInfo('Europe/Berlin'))", input: []) == ["Europe/Berlin"]

    static func lines(_ program: String, input: [String]) -> [String] {
        let quoted = "'" + program.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
        let command = "printf '%s\\n' \(input.joined(separator: " ")) | python3 -c \(quoted) 2>/dev/null"
        guard let pipe = popen(command, "r") else { return [] }
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&buffer, 1, buffer.count, pipe), count > 0 { output += buffer[..<count] }
        pclose(pipe)
        return String(decoding: output, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
