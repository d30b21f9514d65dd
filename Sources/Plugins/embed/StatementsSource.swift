internal import Foundation

/// `enum SQL { enum Plans { static let insertPlan = Statement(…) } }`, and the list that a test prepares against a migrated database.
enum StatementsSource {
    static func generate(_ request: Request) throws -> String {
        var mistakes = Mistakes()
        var files: [StatementFile] = []
        for url in Folder.files(ending: "sql", inFoldersNamed: "SQL", below: request.folder) {
            guard let file = try mistakes.collect({ try StatementFile(url) }) else { continue }
            if let other = files.first(where: { $0.typeName == file.typeName }) {
                mistakes.all.append(
                    Mistake(file: url, line: 1, message: "another file of \(request.target) becomes SQL.\(file.typeName) too: \(other.stem).sql"))
            }
            files.append(file)
        }
        try mistakes.throwIfAny()

        var source = "package import Postgres\n\n/// The statements of this target, by file and name.\nenum SQL {\n"
        for file in files {
            source += "    /// From `\(file.stem).sql`.\n    enum \(file.typeName) {\n"
            for block in file.blocks {
                let name = SwiftText.quoted("\(file.stem).\(block.name)")
                source += "static let \(SwiftText.declared(block.name)) = Statement(\(name), \(SwiftText.literal(block.text)))\n"
            }
            source += "    }\n"
        }
        source += "}\n\n/// Every statement of this target, for the test that prepares them all.\n"
        source += "package enum \(request.target)Statements {\n    package static let all: [Statement] = [\n"
        for file in files {
            for block in file.blocks { source += "        SQL.\(file.typeName).\(SwiftText.declared(block.name)),\n" }
        }
        return source + "    ]\n}\n"
    }
}
