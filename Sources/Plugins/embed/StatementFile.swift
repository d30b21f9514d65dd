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
///
/// What several statements of a file share stands once, above them, under `-- part: lease`; `-- with: lease` is the line where a statement, or a later part,
/// has it. A part is no statement by itself, and its parameters have the same numbers in all of them.
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
        private struct Open {
            let name: String
            let line: Int
            let isPart: Bool
            var text: [Substring] = []
        }

        let file: URL
        private var open: Open?
        private var ended: Int?
        private var blocks: [Block] = []
        private var parts: [String: (line: Int, text: Substring, isUsed: Bool)] = [:]
        private var lines: [String: Int] = [:]
        private var mistakes = Mistakes()
        private var sawName = false

        init(file: URL) { self.file = file }

        mutating func take(_ line: Substring, number: Int) {
            let content = line.drop(while: \.isWhitespace)
            if content.hasPrefix("--") {
                let comment = content.dropFirst(2).drop(while: \.isWhitespace)
                func word(after sign: String) -> String? {
                    comment.hasPrefix(sign) ? String(comment.dropFirst(sign.utf8.count)).trimmingCharacters(in: .whitespaces) : nil
                }
                if let name = word(after: "name:") { begin(name, number: number, isPart: false) }
                if let name = word(after: "part:") { begin(name, number: number, isPart: true) }
                if let name = word(after: "with:") { include(name, number: number) }
            } else if open != nil {
                append(line, number: number)
            } else if !content.isEmpty, !sawName {
                report(number, "text before the first '-- name:'")
            }
        }

        mutating func finish() throws -> [Block] {
            close()
            if !sawName { report(1, "no '-- name:' in this file") }
            for (name, part) in parts.sorted(by: { $0.value.line < $1.value.line }) where !part.isUsed {
                report(part.line, "no statement has the part '\(name)'")
            }
            try mistakes.throwIfAny()
            return blocks
        }

        private mutating func append(_ line: Substring, number: Int) {
            if let end = ended, line.contains(where: { !$0.isWhitespace }) {
                report(end, "a block holds one statement: text follows this ';'")
                ended = nil
            }
            open?.text.append(line)
            if line.trimmingCharacters(in: .whitespaces).hasSuffix(";") {
                ended = number
                if open?.isPart == true { report(number, "a part is a piece of a statement: no ';' ends it") }
            }
        }

        private mutating func include(_ name: String, number: Int) {
            guard open != nil, let part = parts[name] else { return report(number, "there is no '-- part: \(name)' above") }
            parts[name]?.isUsed = true
            append(part.text, number: number)
        }

        private mutating func begin(_ name: String, number: Int, isPart: Bool) {
            close()
            sawName = true
            if !SwiftText.isLowerCamel(name) || ["all", "self", "init"].contains(name) {
                report(number, "'\(name)' is no name for a statement: one lowerCamel word is wanted, as in insertPlan")
            }
            if let first = lines[name] { report(number, "'\(name)' is already the name of the block at line \(first)") }
            lines[name] = number
            open = Open(name: name, line: number, isPart: isPart)
        }

        private mutating func close() {
            guard let block = open else { return }
            open = nil
            ended = nil
            var text = block.text.joined(separator: "\n").trimmingCharacters(in: .newlines.union(.whitespaces))
            if text.hasSuffix(";") { text = String(text.dropLast()).trimmingCharacters(in: .newlines.union(.whitespaces)) }
            if text.isEmpty { report(block.line, "'\(block.name)' is empty") }
            if block.isPart {
                parts[block.name] = (block.line, Substring(text), false)
            } else {
                blocks.append(Block(name: block.name, text: text))
            }
        }

        private mutating func report(_ line: Int, _ message: String) {
            mistakes.all.append(Mistake(file: file, line: line, message: message))
        }
    }
}
