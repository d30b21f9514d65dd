import Business
import Engine
import Postgres
import TestSupport
import Testing

@Suite(.database(.millrace))
struct StatementTests {
    @Test func `every statement fits the schema`() async throws {
        let lanes = try TestDatabase.current.lanes(1)
        let misfits = try await lanes.run { connection in
            (EngineStatements.all + BusinessStatements.all).compactMap { statement -> String? in
                do {
                    try connection.script("PREPARE checked AS \(statement.text)")
                    try connection.script("DEALLOCATE checked")
                    return nil
                } catch {
                    return "\(statement.name): \(error)"
                }
            }
        }
        lanes.stop()
        #expect(misfits == [])
    }
}
