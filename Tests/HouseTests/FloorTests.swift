internal import Testing

struct FloorTests {
    @Test func `a target imports only lower floors`() {
        let breaches = Tree.files(below: "Sources", ending: ".swift").flatMap { file -> [Breach] in
            let target = String(file.path.split(separator: "/")[1])
            guard target != "Plugins" else { return [] }
            return file.lines.enumerated().compactMap { index, line in
                guard let module = Floors.module(importedBy: line), let objection = Floors.objection(target, imports: module) else { return nil }
                return Breach(path: file.path, line: index + 1, message: objection)
            }
        }
        #expect(breaches.isEmpty, "\(breaches.list)")
    }

    @Test func `every target has a floor, and every floor its targets`() {
        let folders = Set(Tree.names(in: "Sources")).subtracting(["Plugins"])
        #expect(folders.symmetricDifference(Floors.all.joined()).sorted() == [], "Sources/ and Floors.swift differ")
    }

    @Test(arguments: [
        ("Engine", "Postgres", true), ("Postgres", "Engine", false), ("Clocks", "Bytes", true), ("Bytes", "Clocks", false), ("API", "Work", false),
        ("Business", "CPostgres", false), ("Postgres", "CPostgres", true), ("Business", "FoundationEssentials", true), ("Unknown", "Bytes", false),
    ])
    func `the rule tells up from down`(target: String, module: String, isAllowed: Bool) {
        #expect((Floors.objection(target, imports: module) == nil) == isAllowed)
    }

    @Test(
        arguments: [
            ("package import Bytes", "Bytes"), ("import Bytes  // why", "Bytes"), ("@testable internal import struct Bytes.Identifier", "Bytes"),
            ("    import JSON", "JSON"), ("// import Bytes", nil), ("let import = 1", nil), ("/// Ways to import Bytes", nil),
        ] as [(Substring, String?)])
    func `an import is recognised`(line: Substring, module: String?) {
        #expect(Floors.module(importedBy: line) == module)
    }
}
