/// One thing that an operator may set: its name, its type, its default and its documentation, all in one row of the table.
package struct Setting: Sendable {
    /// What the value must be.
    package enum Kind: Sendable {
        case string
        case int(ClosedRange<Int>)
        case duration(ClosedRange<Duration>)
        /// Bytes, written `1MiB`.
        case size(ClosedRange<Int>)
        case bool
        case choice([String])
        /// Texts; in the environment separated by commas, in the file an array.
        case list
        case durations
        case url(schemes: [String])
        case secret
    }

    /// When the process cannot start without it.
    package enum Requirement: Sendable, Equatable {
        case never
        case always
        /// Only in processes that play one of these roles.
        case roles([String])
    }

    /// The name, such as `database.url`.
    ///
    /// The part before the first point is the section.
    package let key: String
    package let kind: Kind
    /// The default as an operator would write it; nil is "not set".
    package let fallback: String?
    package let requirement: Requirement
    /// One sentence for the operator.
    package let summary: String
    /// What this setting asks for beyond its kind: answers what was expected when the text (or one element of a list) is wrong.
    package let check: @Sendable (String) -> String?

    package init(
        _ key: String, _ kind: Kind, default fallback: String? = nil, required requirement: Requirement = .never, _ summary: String,
        check: @escaping @Sendable (String) -> String? = { _ in nil }
    ) {
        self.key = key
        self.kind = kind
        self.fallback = fallback
        self.requirement = requirement
        self.summary = summary
        self.check = check
    }

    package var section: String { String(key.prefix { $0 != "." }) }

    /// The environment variable: `webhook.requireHTTPS` is `MILLRACE_WEBHOOK_REQUIRE_HTTPS`.
    package var environmentName: String { Self.environmentName(of: key) }

    /// True when a file may hold the value, named by the variable with `_FILE`.
    package var mayComeFromFile: Bool {
        switch kind {
        case .string, .secret, .url: true
        default: false
        }
    }

    package static func environmentName(of key: String) -> String {
        let letters = Array(key)
        var name = "MILLRACE_"
        for (index, letter) in letters.enumerated() {
            if letter == "." {
                name += "_"
                continue
            }
            if letter.isUppercase, index > 0, letters[index - 1] != "." {
                let endsAcronym = index + 1 < letters.count && letters[index + 1].isLowercase
                if !letters[index - 1].isUppercase || endsAcronym { name += "_" }
            }
            name += letter.uppercased()
        }
        return name
    }
}
