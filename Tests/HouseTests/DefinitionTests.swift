internal import FoundationEssentials
internal import Testing

/// A job kind is three files: its definition, its handler, its tests.
struct DefinitionTests {
    private struct Kind: Decodable {
        let kind: String
        let handler: String
    }

    @Test(arguments: Tree.files(below: "jobs", ending: ".json").map(\.path))
    func `a job kind has its handler and its tests`(path: String) throws {
        let file = try #require(Tree.file(path))
        let kind = try JSONDecoder().decode(Kind.self, from: Data(file.text.utf8))
        #expect(file.name == "\(kind.kind).json", "the file is called like the kind")
        let handlers = Tree.files(below: "Sources/Work", ending: ".swift")
        #expect(handlers.contains { $0.name == "\(kind.handler).swift" }, "Sources/Work has no \(kind.handler).swift")
        let tests = Tree.files(below: "Tests/WorkTests", ending: ".swift")
        let isTested = tests.contains { $0.text.contains(kind.handler) || $0.text.contains("\"\(kind.kind)\"") }
        #expect(isTested, "no test in Tests/WorkTests speaks of \(kind.handler) or \(kind.kind)")
    }

    /// A prepared statement is called `file.statement` on its connection, whichever target it comes from.
    @Test func `files of statements have different names in all targets`() {
        let files = Tree.files(below: "Sources", ending: ".sql").filter { $0.path.split(separator: "/").dropLast().last == "SQL" }
        let twice = Dictionary(grouping: files, by: \.name).values.filter { $0.count > 1 }.map { $0.map(\.path).joined(separator: ", ") }
        #expect(twice.sorted() == [])
    }

    @Test func `migrations share one sequence of numbers`() {
        let files = Tree.files(below: "Sources", ending: ".sql").filter { $0.path.split(separator: "/").dropLast().last == "Migrations" }
        let twice = Dictionary(grouping: files) { $0.name.prefix(4) }.values.filter { $0.count > 1 }.map { $0.map(\.path).joined(separator: ", ") }
        #expect(twice.sorted() == [])
    }
}
