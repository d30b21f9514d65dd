/// The checks of what people type about accounts and users, each with its code and field.
enum FieldText {
    /// A name without blanks around it, 1 to `longest` characters, no control characters.
    static func name(_ text: String, longest: Int = 200, field: String = "/name") throws(BusinessError) -> String {
        let trimmed = text.trimmed
        guard (1...longest).contains(trimmed.unicodeScalars.count), !trimmed.hasControlCharacters else {
            throw BusinessError(.invalid, "invalid_name", "A name has 1 to \(longest) characters and no control characters.", field: field)
        }
        return trimmed
    }

    /// The looks of an e-mail address; whether it works, only a message can tell.
    ///
    /// Empty means none.
    static func email(_ text: String?, field: String = "/email") throws(BusinessError) -> String? {
        guard let trimmed = text?.trimmed, !trimmed.isEmpty else { return nil }
        let parts = trimmed.split(separator: "@", omittingEmptySubsequences: false)
        guard trimmed.utf8.count <= 254, parts.count == 2, (1...64).contains(parts[0].utf8.count), parts[1].contains("."),
            parts[1].split(separator: ".", omittingEmptySubsequences: false).allSatisfy({ !$0.isEmpty }),
            !trimmed.hasControlCharacters, !trimmed.contains(where: \.isWhitespace)
        else { throw BusinessError(.invalid, "invalid_email", "This is no e-mail address, as name@example.com.", field: field) }
        return trimmed
    }

    /// Digits with the usual punctuation; empty means none.
    static func phone(_ text: String?, field: String = "/phone") throws(BusinessError) -> String? {
        guard let trimmed = text?.trimmed, !trimmed.isEmpty else { return nil }
        let digits = trimmed.utf8.count { (48...57).contains($0) }
        guard trimmed.utf8.count <= 32, (3...20).contains(digits),
            trimmed.utf8.allSatisfy({ (48...57).contains($0) || " +-().".utf8.contains($0) })
        else {
            throw BusinessError(
                .invalid, "invalid_phone", "A phone number has 3 to 20 digits, a + in front if you like, and spaces, dots, hyphens or brackets.",
                field: field)
        }
        return trimmed
    }

    /// A user name in small letters: what is typed as `Anna` is `anna`, at creation and at login.
    static func username(_ text: String, field: String = "/username") throws(BusinessError) -> String {
        let name = normalized(username: text)
        let isPlain = name.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || "._@+-".utf8.contains($0) }
        guard isPlain, (2...100).contains(name.utf8.count), let first = name.utf8.first, (97...122).contains(first) || (48...57).contains(first)
        else {
            throw BusinessError(
                .invalid, "invalid_username", "A user name has 2 to 100 letters (a–z), digits and . _ @ + -, and begins with a letter or digit.",
                field: field)
        }
        return name
    }

    static func normalized(username: String) -> String { username.trimmed.lowercased() }

    /// Three capital letters (ISO 4217's form).
    static func currency(_ text: String, field: String = "/currency") throws(BusinessError) -> String {
        guard text.utf8.count == 3, text.utf8.allSatisfy({ (65...90).contains($0) }) else {
            throw BusinessError(.invalid, "invalid_currency", "A currency is three capital letters, as USD.", field: field)
        }
        return text
    }
}

extension String {
    fileprivate var trimmed: String {
        let start = drop(while: \.isWhitespace)
        guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(start[...last])
    }

    fileprivate var hasControlCharacters: Bool { unicodeScalars.contains { $0.properties.generalCategory == .control } }
}
