internal import Foundation

/// A `.sql` file of named statements.
///
/// ```sql
/// -- What this file is about (comment of the file; only before the first name).
///
/// -- name: insertPlan
/// -- Why it is written so (dropped from the text).
/// insert into plans (id) values ($1);
/// ```
struct StatementFile {
    struct Block {
        let name: String
        let text: String
    }

    let typeName: String
    let stem: String
    let blocks: [Block]

    init(_ file: URL) throws {
        stem = file.deletingPathExtension().lastPathComponent
        guard let typeName = SwiftText.typeName(fromStem: stem), stem.first?.isLowercase == true else {
            throw Mistake(file: file, line: 1, message: "the file's name must be lower-case words, as in plan-prices.sql or planPrices.sql")
        }
        self.typeName = typeName
        var parser = Parser(file: file)
        for (index, line) in try Folder.text(of: file).split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            parser.take(line, number: index + 1)
        }
        blocks = try parser.finish()
    }
}

extension StatementFile {
    /// Goes through the lines once; it keeps every mistake and reports them together.
    private struct Parser {
        let file: URL
        private var open: (name: String, line: Int, text: [Substring])?
        private var ended: Int?
        private var blocks: [Block] = []
        private var lines: [String: Int] = [:]
        private var mistakes = Mistakes()
        private var sawName = false

        init(file: URL) { self.file = file }

        mutating func take(_ line: Substring, number: Int) {
            let content = line.drop(while: \.isWhitespace)
            if content.hasPrefix("--") {
                let comment = content.dropFirst(2).drop(while: \.isWhitespace)
                if comment.hasPrefix("name:") {
                    begin(String(comment.dropFirst(5)).trimmingCharacters(in: .whitespaces), number: number)
                }
            } else if open != nil {
                if let end = ended, !content.isEmpty {
                    report(end, "a block holds one statement: text follows this ';'")
                    ended = nil
                }
                open?.text.append(line)
                if content.trimmingCharacters(in: .whitespaces).hasSuffix(";") { ended = number }
            } else if !content.isEmpty, !sawName {
                report(number, "text before the first '-- name:'")
            }
        }

        mutating func finish() throws -> [Block] {
            close()
            if !sawName { report(1, "no '-- name:' in this file") }
            try mistakes.throwIfAny()
            return blocks
        }

        private mutating func begin(_ name: String, number: Int) {
            close()
            sawName = true
            if !SwiftText.isLowerCamel(name) || ["all", "self", "init"].contains(name) {
                report(number, "'\(name)' is no name for a statement: one lowerCamel word is wanted, as in insertPlan")
            }
            if let first = lines[name] { report(number, "'\(name)' is already the name of the statement at line \(first)") }
            lines[name] = number
            open = (name, number, [])
        }

        private mutating func close() {
            guard let block = open else { return }
            open = nil
            ended = nil
            var text = block.text.joined(separator: "\n").trimmingCharacters(in: .newlines.union(.whitespaces))
            if text.hasSuffix(";") { text = String(text.dropLast()).trimmingCharacters(in: .newlines.union(.whitespaces)) }
            if text.isEmpty { report(block.line, "'\(block.name)' is empty") }
            blocks.append(Block(name: block.name, text: text))
        }

        private mutating func report(_ line: Int, _ message: String) {
            mistakes.all.append(Mistake(file: file, line: line, message: message))
        }
    }
}
