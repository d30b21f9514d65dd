internal import JSON
internal import Settings

enum ConfigCommand: Command {
    static let name = "config"
    static let summary = "check or show the settings, each with where it comes from; secrets are masked"
    static let usage = "check|show|markdown"

    static func run(_ arguments: Arguments) throws {
        switch try arguments.word(0, "what to do: check, show or markdown") {
        case "check":
            _ = try Platform(arguments, roles: Set(MillraceSettings.Role.allCases))
            Output.line("The settings and definitions are in order.")
        case "show": try show(arguments)
        case "markdown": Output.line(SettingsDocument.markdown(MillraceSettings.table))
        case let other: throw CommandFailure.usage("config has check, show and markdown, not \"\(other)\"")
        }
    }

    private static func show(_ arguments: Arguments) throws {
        let settings = try MillraceSettings.read(overrides: arguments.overrides, configuration: arguments.value("--config"))
        guard arguments.wantsJSON else { return Output.line(settings.values.listing()) }
        Output.json(
            .array(
                MillraceSettings.table.map { setting in
                    let entry = settings.values[setting.key]
                    return [
                        "key": .string(setting.key), "value": entry.map { .string($0.value.shown) } ?? .null,
                        "source": entry.map { .string($0.source.description) } ?? .null,
                    ]
                }))
    }
}
