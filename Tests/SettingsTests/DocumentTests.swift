import Glibc
import Settings
import Testing

/// docs/settings.md holds the table that the code makes; MILLRACE_TEST_UPDATE_DOCS writes it.
struct DocumentTests {
    static let path = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/") + "/docs/settings.md"
    static let mark = "<!-- generated: millrace config markdown -->\n"

    @Test func `docs slash settings holds the table of settings`() throws {
        let text = String(decoding: try TextFile.read(Self.path), as: UTF8.self)
        let head = try #require(text.firstRange(of: Self.mark), "docs/settings.md has no mark")
        let expected = SettingsDocument.markdown(MillraceSettings.table)
        guard text[head.upperBound...] != "\n" + expected else { return }
        guard getenv("MILLRACE_TEST_UPDATE_DOCS") != nil else {
            Issue.record("docs/settings.md differs from the settings; MILLRACE_TEST_UPDATE_DOCS=1 swift test --filter DocumentTests writes it")
            return
        }
        let bytes = Array((text[..<head.upperBound] + "\n" + expected).utf8)
        let file = open(Self.path, O_WRONLY | O_TRUNC | O_CLOEXEC)
        #expect(file >= 0 && write(file, bytes, bytes.count) == bytes.count && close(file) == 0)
    }
}
