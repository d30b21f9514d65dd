import Postgres
import TestSupport
import Testing

@testable import Engine

@Suite(.database(.engine))
struct StatementTests {
    @Test func `every statement fits the migrated tables`() async throws {
        let database = try TestDatabase.current.lanes(1)
        let faults = try await database.run { connection in
            EngineStatements.all.enumerated().compactMap { number, statement -> String? in
                do {
                    try connection.script("prepare proof\(number) as \(statement.text)")
                    return nil
                } catch {
                    return "\(statement.name): \(error)"
                }
            }
        }
        database.stop()
        #expect(EngineStatements.all.count > 50)
        #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
    }
}
