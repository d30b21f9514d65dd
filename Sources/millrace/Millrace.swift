internal import Glibc

// One executable; every role is a subcommand. The first word chooses the command, the command reads the rest.

@main
struct Millrace {
    static let version = "0.1.0"

    static let commands: [any Command.Type] = [
        UpCommand.self, APICommand.self, RelayCommand.self, SchedulerCommand.self, WorkerCommand.self, MigrateCommand.self, JobsCommand.self,
        OrdersCommand.self, QueuesCommand.self, AuditCommand.self, ChaosCommand.self, UserCommand.self, ConfigCommand.self, DemoCommand.self,
        SimulateCommand.self, BenchCommand.self, VersionCommand.self,
    ]

    static func main() {
        signal(SIGPIPE, SIG_IGN)
        var words = Array(CommandLine.arguments.dropFirst())
        guard let name = words.first, !["help", "--help", "-h"].contains(name) else {
            Output.line(help)
            exit(CommandLine.arguments.count == 1 ? ExitCode.usage.rawValue : 0)
        }
        words.removeFirst()
        guard let command = commands.first(where: { $0.name == name }) else {
            Output.complaint("there is no command \"\(name)\"" + Suggestion.hint(name, commands.map { $0.name }))
            Output.complaint("try millrace --help")
            exit(ExitCode.usage.rawValue)
        }
        if words.contains("--help") || words.contains("-h") {
            Output.line("millrace \(command.name) \(command.usage)\n\n\(command.summary)")
            exit(0)
        }
        do {
            try command.run(Arguments(words, flags: command.flags, options: command.options))
        } catch {
            let failure = CommandFailure(error)
            Output.complaint("millrace \(command.name): \(failure.message)")
            exit(failure.code.rawValue)
        }
    }

    private static var help: String {
        let width = commands.map { $0.name.count }.max() ?? 0
        let lines = commands.map { command in
            "  " + command.name + String(repeating: " ", count: width - command.name.count + 2) + command.summary
        }
        return """
            millrace COMMAND [options]

            \(lines.joined(separator: "\n"))

            Settings come from MILLRACE_… variables over a file (--config FILE) over defaults; millrace config show lists them.
            millrace COMMAND --help says more.
            """
    }
}
