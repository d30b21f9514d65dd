package import Clocks
package import JSON

/// One line of the log before it is written.
package struct LogRecord: Sendable {
    package var time: Instant
    package var level: LogLevel
    /// The part of Millrace that speaks: `relay`, `api`.
    package var logger: String
    /// Constant text; what varies stands in the fields.
    package var message: String
    /// Context first, then the fields of the call; a field replaces the context of its name.
    package var fields: JSONObject

    private static let reserved: Set<String> = ["time", "level", "logger", "message"]

    /// One JSON object with a newline; a field whose name is one of the record's own gets an underscore behind it.
    package var jsonLine: [UInt8] {
        var line: JSONObject = [
            "time": .string(LogTime.text(time.microseconds)), "level": .string(level.name), "logger": .string(logger), "message": .string(message),
        ]
        for field in fields.members { line[Self.reserved.contains(field.key) ? field.key + "_" : field.key] = field.value }
        return JSONValue.object(line).serialized() + [0x0A]
    }

    /// One line for people with a newline: `2027-01-31T12:00:00.000000Z INFO    relay: batch committed size=64`.
    package var textLine: [UInt8] {
        let padding = String(repeating: " ", count: 7 - level.name.count)
        var line = LogTime.text(time.microseconds) + " " + level.name.uppercased() + padding + " " + logger + ": " + Self.escaped(message)
        for field in fields.members { line += " " + Self.escaped(field.key) + "=" + Self.shown(field.value) }
        return Array(line.utf8) + [0x0A]
    }

    private static func shown(_ value: JSONValue) -> String {
        guard let text = value.string else { return escaped(value.text) }
        let isPlain = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") }
        return escaped(isPlain ? text : value.text)
    }

    /// A line stays one line, and foreign text cannot move a terminal's cursor: control characters are written as `\u{1b}`.
    private static func escaped(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if isControl(scalar) { result += "\\u{" + String(scalar.value, radix: 16) + "}" } else { result.unicodeScalars.append(scalar) }
        }
        return result
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value == 0x2028 || scalar.value == 0x2029
            || (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
    }
}
