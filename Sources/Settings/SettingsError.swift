/// Everything that is wrong with a configuration, told at once: an operator mends it in one round.
package struct SettingsError: Error, Sendable, Hashable, CustomStringConvertible {
    package struct Mistake: Sendable, Hashable, CustomStringConvertible {
        /// The setting; what was written when there is no such setting.
        package var key: String
        /// Where it was written; nil when it is missing.
        package var source: SettingSource?
        /// What was expected.
        ///
        /// Never holds the value of a secret.
        package var expected: String

        package init(_ key: String, _ source: SettingSource?, _ expected: String) {
            self.key = key
            self.source = source
            self.expected = expected
        }

        package var description: String {
            guard let source else { return "\(key): \(expected)" }
            return "\(key) (from \(source)): \(expected)"
        }
    }

    package var mistakes: [Mistake]

    package init(_ mistakes: [Mistake]) {
        self.mistakes = mistakes
    }

    package var description: String {
        let heading = mistakes.count == 1 ? "1 mistake in the settings" : "\(mistakes.count) mistakes in the settings"
        return ([heading] + mistakes.map { "  \($0)" }).joined(separator: "\n")
    }
}
