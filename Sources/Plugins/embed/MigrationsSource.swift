internal import Foundation

/// The target's migrations in the order of their numbers.
///
/// Files are called `NNNN_name.sql`. Gaps are allowed: targets share one sequence of numbers.
enum MigrationsSource {
    static func generate(_ request: Request) throws -> String {
        var mistakes = Mistakes()
        var seen: [Int: URL] = [:]
        var found: [(number: Int, name: String, text: String)] = []
        for url in Folder.files(ending: "sql", inFoldersNamed: "Migrations", below: request.folder) {
            try mistakes.collect {
                guard let (number, name) = parts(of: url.deletingPathExtension().lastPathComponent) else {
                    throw Mistake(file: url, line: 1, message: "a migration is called NNNN_name.sql, as in 0012_add_wallets.sql")
                }
                if let other = seen[number] {
                    throw Mistake(file: url, line: 1, message: "number \(number) is taken by \(other.lastPathComponent)")
                }
                seen[number] = url
                let text = try Folder.text(of: url)
                if text.allSatisfy(\.isWhitespace) { throw Mistake(file: url, line: 1, message: "an empty migration") }
                found.append((number, name, text))
            }
        }
        try mistakes.throwIfAny()

        var source = "/// The migrations of this target, ascending by number.\npackage enum \(request.target)Migrations {\n"
        source += "    package static let all: [(number: Int, name: String, sql: String)] = [\n"
        for migration in found.sorted(by: { $0.number < $1.number }) {
            source += "(\(migration.number), \(SwiftText.quoted(migration.name)), \(SwiftText.literal(migration.text))),\n"
        }
        return source + "    ]\n}\n"
    }

    private static func parts(of stem: String) -> (Int, String)? {
        let pieces = stem.split(separator: "_", maxSplits: 1)
        guard pieces.count == 2, pieces[0].utf8.count == 4, pieces[0].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int(pieces[0]), SwiftText.typeName(fromStem: String(pieces[1])) != nil
        else { return nil }
        return (number, String(pieces[1]))
    }
}
