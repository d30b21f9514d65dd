import FoundationEssentials
import JSON
import Testing

@testable import API

/// The table of codes against the rules that throw them.
@Suite struct ErrorCodeTests {
    /// Refusals that only a job can meet.
    private static let inside: Set<String> = ["plan_not_pending", "provider_reference_changed", "wrong_hold", "password_not_hashed"]

    @Test func `every code with which a rule or a route refuses is documented`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let pattern = #/(?:BusinessError|Problem)\(\s*(?:\.\w+|\d+),\s*"([a-z0-9_]+)"/#
        var codes: Set<String> = []
        for folder in ["Sources/Business", "Sources/API", "Sources/HTTPServer"] {
            for path in try FileManager.default.subpathsOfDirectory(atPath: root.appending(path: folder).path) where path.hasSuffix(".swift") {
                let text = try String(contentsOf: root.appending(path: folder).appending(path: path), encoding: .utf8)
                codes.formUnion(text.matches(of: pattern).map { String($0.output.1) })
            }
        }
        #expect(codes.count > 100)
        #expect(codes.subtracting(Self.inside).subtracting(TestContract.shared.codes.keys) == [])
    }

    @Test func `a code has a status and a sentence`() {
        for (code, entry) in Contract.embedded.document["x-error-codes"]?.object?.members.map({ ($0.key, $0.value) }) ?? [] {
            #expect((400...599).contains(entry["status"]?.int ?? 0), "\(code)")
            #expect((entry["description"]?.string?.count ?? 0) > 10, "\(code)")
        }
    }
}
