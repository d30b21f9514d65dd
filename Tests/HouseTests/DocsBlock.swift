internal import FoundationEssentials
internal import Glibc
internal import Testing

/// A table of a document that is made from the code: what stands between `<!-- generated: name -->` and `<!-- end -->`.
///
/// The test fails when code and table part. With MILLRACE_TEST_UPDATE_DOCS set it writes the table instead, so that nobody types one by hand.
struct DocsBlock {
    let path: String
    let name: String

    static let updates = getenv("MILLRACE_TEST_UPDATE_DOCS") != nil

    /// Compares the block with what the code says, or writes it.
    func hold(_ expected: String) throws {
        let text = try #require(Tree.file(path), "\(path) is missing").text
        let range = try #require(Self.range(of: name, in: text), "\(path) has no block \"\(name)\"")
        guard text[range] != "\n\(expected)\n" else { return }
        guard Self.updates else {
            let advice = "MILLRACE_TEST_UPDATE_DOCS=1 swift test --filter Docs writes it"
            Issue.record("the table \"\(name)\" of \(path) differs from the code; \(advice):\n\(expected)")
            return
        }
        var changed = text
        changed.replaceSubrange(range, with: "\n\(expected)\n")
        try Data(changed.utf8).write(to: Tree.root.appending(path: path))
    }

    /// What stands between the two marks.
    static func range(of name: String, in text: String) -> Range<String.Index>? {
        guard let begin = text.firstRange(of: "<!-- generated: \(name) -->"), let end = text[begin.upperBound...].firstRange(of: "<!-- end -->")
        else { return nil }
        return begin.upperBound..<end.lowerBound
    }

    /// A Markdown table.
    static func table(_ head: [String], _ rows: [[String]]) -> String {
        let lines = [head, head.map { _ in "---" }] + rows
        return lines.map { "| " + $0.map(escaped).joined(separator: " | ") + " |" }.joined(separator: "\n")
    }

    private static func escaped(_ cell: String) -> String {
        cell.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
    }
}
