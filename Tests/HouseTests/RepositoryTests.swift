internal import Testing

struct RepositoryTests {
    /// Written in pieces, so that this file does not hold what it looks for.
    static let machines = ["work", "root"].map { "/" + $0 + "/" }

    @Test func `no path of the machine it was written on`() {
        let breaches = Tree.files().flatMap { file in
            Self.machines.flatMap { path in file.breaches("a path of one machine: \(path)") { Self.mentions(path, in: $0) } }
        }
        #expect(breaches.isEmpty, "\(breaches.list)")
    }

    @Test func `a path is found at its beginning only`() {
        let path = Self.machines[0]
        #expect(Self.mentions(path, in: "cd \(path)main"))
        #expect(Self.mentions(path, in: "(\(path)main)"))
        #expect(!Self.mentions(path, in: "net\(path)main"))
        #expect(!Self.mentions(path, in: "https://host\(path)main"))
        #expect(!Self.mentions(path, in: "./work.txt"))
    }

    @Test(.enabled(if: Tree.file("README.md") != nil), arguments: ["bin/up", "bin/test"])
    func `the README names the two commands`(command: String) throws {
        let text = try #require(Tree.file("README.md")).text
        #expect(text.contains(command))
    }

    @Test(arguments: Tree.files(below: "bin").filter { $0.text.hasPrefix("#!") }.map(\.path) + [".ci/run"])
    func `scripts stop at the first mistake`(path: String) throws {
        let file = try #require(Tree.file(path))
        #expect(file.lines.contains { $0.hasPrefix("set -") && $0.contains("u") }, "\(path) does not say set -u")
    }

    /// The path begins here: what stands before it is no part of a longer path or address.
    static func mentions(_ path: String, in line: Substring) -> Bool {
        line.ranges(of: path).contains { range in
            guard range.lowerBound > line.startIndex else { return true }
            let before = line[line.index(before: range.lowerBound)]
            return !(before.isLetter || before.isNumber || "._-~}/*$".contains(before))
        }
    }
}
