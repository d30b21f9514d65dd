import Postgres
import TestSupport
import Testing

@Suite struct DatabaseTraitTests {
    private static let template = DatabaseTemplate.template(
        named: "trait", migrations: [Migration(number: 1, name: "t", sql: "CREATE TABLE t (id int); INSERT INTO t VALUES (7)")])

    @Test(.database(template), arguments: 0..<6)
    func `every case has a migrated database of its own`(_ number: Int) async throws {
        let own = TestDatabase.current.name
        try await withConnection { connection in
            try connection.run(.once("INSERT INTO t VALUES ($1)"), number)
            let ids: [Int] = try connection.run(.once("SELECT array_agg(id ORDER BY id DESC) AS ids FROM t")).only()("ids")
            #expect(ids == [7, number])
            let name: String = try connection.run(.once("SELECT current_database() AS name")).only()("name")
            #expect(name == own)
        }
    }
}
