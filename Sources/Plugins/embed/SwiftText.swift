/// Writes Swift: literals and identifiers.
enum SwiftText {
    /// A raw multi-line literal with as many `#` as the text needs, so that backslashes and quotes survive unchanged.
    static func literal(_ text: String) -> String {
        var longest = 0
        var run: Int?
        for character in text.unicodeScalars {
            switch character {
            case "\"", "\\": run = 0
            case "#":
                if let length = run {
                    run = length + 1
                    longest = max(longest, length + 1)
                }
            default: run = nil
            }
        }
        let hashes = String(repeating: "#", count: longest + 1)
        return "\(hashes)\"\"\"\n\(text)\n\"\"\"\(hashes)"
    }

    /// A short literal for names, which hold nothing that needs care.
    static func quoted(_ name: String) -> String { "#\"\(name)\"#" }

    /// `plan-prices`, `plan_prices` and `planPrices` become `PlanPrices`; nil if no type can be called so.
    static func typeName(fromStem stem: String) -> String? {
        let parts = stem.split(omittingEmptySubsequences: false) { $0 == "-" || $0 == "_" }
        let name = parts.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
        guard parts.allSatisfy({ !$0.isEmpty }), isIdentifier(name), !["Type", "Self", "Protocol", "Any"].contains(name) else { return nil }
        return name
    }

    static func isIdentifier(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return name.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) }
    }

    static func isLowerCamel(_ name: String) -> Bool {
        isIdentifier(name) && name.first?.isLowercase == true
    }

    /// The declaration's spelling; at the place of use `SQL.Plans.extension` needs no backticks.
    static func declared(_ name: String) -> String {
        keywords.contains(name) ? "`\(name)`" : name
    }

    private static let keywords: Set<String> = [
        "as", "associatedtype", "break", "case", "catch", "class", "continue", "default", "defer", "deinit", "do", "else", "enum", "extension",
        "fallthrough", "false", "fileprivate", "for", "func", "guard", "if", "import", "in", "init", "inout", "internal", "is", "let", "nil",
        "operator", "precedencegroup", "private", "protocol", "public", "repeat", "rethrows", "return", "self", "static", "struct", "subscript",
        "super", "switch", "throw", "throws", "true", "try", "typealias", "var", "where", "while",
    ]
}
