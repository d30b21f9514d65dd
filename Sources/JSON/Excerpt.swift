/// Foreign text made fit for a message: short, on one line, printable.
package enum Excerpt {
    /// The text in quotes, cut after `limit` characters, control characters replaced.
    package static func quoted(_ text: String, limit: Int = 40) -> String {
        "\"" + plain(text, limit: limit) + "\""
    }

    /// The text cut after `limit` Unicode scalars, control characters replaced.
    package static func plain(_ text: String, limit: Int = 40) -> String {
        var result = String.UnicodeScalarView()
        for (count, scalar) in text.unicodeScalars.enumerated() {
            if count == limit {
                result.append("…")
                break
            }
            let hidden = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.properties.generalCategory == .format
            result.append(hidden ? "\u{FFFD}" : scalar)
        }
        return String(result)
    }
}
