internal import Postgres

enum MigrateCommand: Command {
    static let name = "migrate"
    static let summary = "bring the database to this version's schema"
    static let flags = ["--pending"]
    static let usage = "[--pending]"

    static func run(_ arguments: Arguments) throws {
        let platform = try Platform(arguments)
        var settings = try platform.connection("migrate")
        settings.statementTimeout = .seconds(3600)
        let connection = try Connection(settings)
        let migrator = try Migrator(Migrations.all)
        let pending = try migrator.pending(connection)
        if arguments.has("--pending") {
            for migration in pending { Output.line("\(migration.number) \(migration.name)") }
            return
        }
        try migrator.apply(connection)
        Output.line(pending.isEmpty ? "The schema is up to date." : "Applied \(pending.count) migrations.")
    }
}
