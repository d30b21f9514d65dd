import Glibc

@testable import Clocks

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
