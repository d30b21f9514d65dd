enum VersionCommand: Command {
    static let name = "version"
    static let summary = "say which version this is"

    static func run(_ arguments: Arguments) { Output.line(Millrace.version) }
}
