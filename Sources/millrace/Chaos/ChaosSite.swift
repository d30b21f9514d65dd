internal import Business
internal import Bytes
internal import Engine
internal import Postgres
internal import Synchronization

/// Where runs take place: the servers, a migrated template database, the folder of logs.
final class ChaosSite: Sendable {
    let platform: Platform
    let folder: String
    private let template: String
    private let state = Mutex((number: 0, name: ""))

    init(_ platform: Platform, folder: String) throws {
        self.platform = platform
        self.folder = folder
        template = "millrace_chaos_\(Identifier.next().text("t").suffix(16))"
        let admin = try Connection(platform.connection("chaos"))
        try admin.script("create database \(template)")
        var settings = try platform.connection("chaos")
        settings.database = template
        try Migrator(Migrations.all).apply(Connection(settings))
    }

    func close() { _ = try? Connection(platform.connection("chaos")).script("drop database if exists \(template) with (force)") }

    /// The folder of the run in hand.
    var lastName: String { state.withLock { $0.name } }

    /// Gives the body an installation, ends it whatever happens, and keeps its logs and its database if the body says that it did not go well.
    func with<R>(_ body: (ChaosRig) throws -> (R, isWell: Bool), failing: (any Error) throws -> R) throws -> R {
        let name = state.withLock { state in
            state.number += 1
            state.name = "run-\(state.number)-\(wallMicroseconds() / 1_000_000)"
            return state.name
        }
        let rig = try ChaosRig(platform, folder: folder, template: template)
        var outcome: (value: R, isWell: Bool)
        do {
            outcome = try body(rig)
        } catch {
            outcome = (try failing(error), false)
        }
        rig.stop()
        if outcome.isWell {
            rig.dropDatabase()
        } else {
            try ChaosFolder.make("\(folder)/\(name)")
            try rig.writeLogs(into: "\(folder)/\(name)")
            Output.line("  database kept: \(rig.databaseName)")
        }
        return outcome.value
    }
}
