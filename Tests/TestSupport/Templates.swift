internal import Business
internal import Engine
internal import Postgres

extension DatabaseTemplate {
    /// A database with the engine's tables.
    package static let engine = DatabaseTemplate.template(named: "engine", migrations: EngineMigrations.all.map(Migration.init))

    /// A database with all of Millrace's tables.
    package static let millrace = DatabaseTemplate.template(
        named: "millrace", migrations: (EngineMigrations.all + BusinessMigrations.all).map(Migration.init))
}
