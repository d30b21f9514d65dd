internal import Testing

/// What the compiler and the formatter do not forbid.
struct SourceTests {
    static let sources = Tree.files(below: "Sources", ending: ".swift").filter { !$0.path.hasPrefix("Sources/Plugins/") }

    /// Words that must not stand in a line of code, and what to use instead.
    ///
    /// Comments may speak of them.
    static let forbidden: [(word: String, instead: String)] = [
        ("import Foundation", "FoundationEssentials, where it is really needed: Foundation makes the binary four times as large"),
        ("import Dispatch", "Lanes"),
        ("Task.detached", "a lane, or a child task"),
        ("Thread.sleep", "a condition with a deadline"),
    ]

    /// Files that may say `@unchecked Sendable`, each with its reason.
    ///
    /// A short list stays readable: think twice before it grows.
    static let unchecked: [String: String] = [
        "Sources/Lanes/Mailbox.swift": "a mutex of pthread guards what it holds; a condition variable needs that one, not Mutex",
        "Sources/Lanes/Thread.swift": "the pthread handle never changes after init, and its type is not Sendable",
        "Sources/Crypto/Digest.swift": "OpenSSL's digest methods are immutable; the pointer is kept for ever",
        "Sources/HTTPServer/Serving/Daemon.swift": "the library's functions that are called on the pointer are safe from any thread",
        "Sources/HTTPServer/Serving/RequestHandle.swift": "resuming is the one call from elsewhere, and the library locks in it",
    ]

    static let longest = 400

    @Test func `forbidden words are absent`() {
        let breaches = Self.sources.flatMap { file in
            Self.forbidden.flatMap { rule in
                file.breaches("\(rule.word): use \(rule.instead)") { Self.code(of: $0).containsWord(rule.word) }
            }
        }
        #expect(breaches.isEmpty, "\(breaches.list)")
    }

    @Test func `nothing is public: targets share by package access`() {
        let breaches = Self.sources.flatMap { file in
            file.breaches("use package") { line in
                let words = Self.code(of: line).split(separator: " ")
                return words.first == "public" || (words.first?.hasPrefix("@") == true && words.dropFirst().first == "public")
                    || words.first == "open"
            }
        }
        #expect(breaches.isEmpty, "\(breaches.list)")
    }

    @Test func `unchecked sendability is listed with its reason`() {
        let word = "@unchecked Sendable"
        let users = Self.sources.filter { file in file.lines.contains { Self.code(of: $0).containsWord(word) } }.map(\.path)
        #expect(Set(users).subtracting(Self.unchecked.keys).sorted() == [], "not listed in \(#fileID)")
        #expect(Set(Self.unchecked.keys).subtracting(users).sorted() == [], "listed, and no longer needed")
    }

    @Test func `files are short`() {
        let all = Self.sources + Tree.files(below: "Tests", ending: ".swift") + Tree.files(below: "Sources/Plugins", ending: ".swift")
        let long = all.filter { $0.lines.count > Self.longest + 1 }.map(\.path)
        #expect(long.sorted() == [], "longer than \(Self.longest) lines")
    }

    @Test func `the tree is really read`() {
        #expect(Self.sources.count > 10)
        #expect(Self.sources.contains { $0.path == "Sources/Bytes/Identifier.swift" && $0.text.contains("struct Identifier") })
    }

    @Test func `a word is found in code and not in comments or longer words`() {
        #expect(Self.code(of: "    internal import Foundation  // why").containsWord("import Foundation"))
        #expect(!Self.code(of: "import FoundationEssentials").containsWord("import Foundation"))
        #expect(!Self.code(of: "// import Foundation").containsWord("import Foundation"))
        #expect(Self.code(of: "let url = \"http://host\"  // x") == "let url = \"http://host\"  ")
    }

    /// The line without its comment.
    ///
    /// Two slashes inside a literal follow a colon or stand between quotes; good enough for a rule.
    static func code(of line: Substring) -> Substring {
        var isQuoted = false
        var previous: Character?
        for index in line.indices {
            let character = line[index]
            if character == "\"", previous != "\\" { isQuoted.toggle() }
            if character == "/", previous == "/", !isQuoted { return line[..<line.index(before: index)] }
            previous = character
        }
        return line
    }
}

extension Substring {
    /// The word occurs, and no letter or digit continues it.
    func containsWord(_ word: String) -> Bool {
        var rest = self
        while let range = rest.firstRange(of: word) {
            guard let next = rest[range.upperBound...].first, next.isLetter || next.isNumber else { return true }
            rest = rest[range.upperBound...]
        }
        return false
    }
}
