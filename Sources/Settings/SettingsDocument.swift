/// Writes the table of settings for people: docs/settings.md.
package enum SettingsDocument {
    /// A Markdown section with a table for every section of the settings, in their order.
    package static func markdown(_ table: [Setting]) -> String {
        var sections: [(name: String, settings: [Setting])] = []
        for setting in table {
            if let index = sections.firstIndex(where: { $0.name == setting.section }) {
                sections[index].settings.append(setting)
            } else {
                sections.append((setting.section, [setting]))
            }
        }
        return sections.map { section in
            let rows = section.settings.map(row)
            let head = ["## \(section.name)", "", "| Setting | Environment | Value | Default | Meaning |", "|---|---|---|---|---|"]
            return (head + rows).joined(separator: "\n") + "\n"
        }.joined(separator: "\n")
    }

    private static func row(_ setting: Setting) -> String {
        let environment = "`\(setting.environmentName)`" + (setting.mayComeFromFile ? " (`_FILE`)" : "")
        let cells = ["`\(setting.key)`", environment, setting.expectation, fallback(setting), setting.summary]
        return "| " + cells.map(escaped).joined(separator: " | ") + " |"
    }

    private static func fallback(_ setting: Setting) -> String {
        switch (setting.fallback, setting.requirement) {
        case (_, .always): "required"
        case (_, .roles(let roles)): "required by " + roles.joined(separator: ", ")
        case (let text?, _): text.isEmpty ? "empty" : "`\(text)`"
        case (nil, .never): "not set"
        }
    }

    private static func escaped(_ cell: String) -> String {
        cell.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
    }
}
