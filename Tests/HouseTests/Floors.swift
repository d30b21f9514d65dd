/// Who may import whom (docs/concepts/house.md).
///
/// A target imports lower floors; on the floor of small pure things, also what stands
/// to its left.
enum Floors {
    /// From the ground up.
    static let all: [[String]] = [
        ["CPostgres", "CRabbitMQ", "CCurl", "CMicroHTTPD", "COpenSSL", "CCrypt", "CZlib", "CLinux"],
        ["Bytes", "Clocks", "JSON", "Settings", "Telemetry", "Lanes"],
        ["Crypto", "Postgres", "RabbitMQ", "HTTPServer", "HTTPClient", "Faults"],
        ["Engine"],
        ["Business"],
        ["API", "Work"],
        ["millrace"],
    ]

    /// Drivers hide C: above this floor nobody imports a door.
    static let highestBesideDoors = 2

    /// Why `target` may not import `module`; nil if it may, or if the module is not of this house.
    static func objection(_ target: String, imports module: String) -> String? {
        guard let below = place(of: module) else { return nil }
        guard let own = place(of: target) else { return "\(target) has no floor" }
        if below.floor == 0, own.floor > highestBesideDoors { return "\(target) goes past the driver to \(module)" }
        let isLower = below.floor < own.floor || (own.floor == 1 && below.floor == 1 && below.position < own.position)
        return isLower ? nil : "\(target) (floor \(own.floor)) must not import \(module) (floor \(below.floor))"
    }

    private static func place(of module: String) -> (floor: Int, position: Int)? {
        for (floor, modules) in all.enumerated() {
            if let position = modules.firstIndex(of: module) { return (floor, position) }
        }
        return nil
    }

    /// The module that a line imports: `package import Bytes`, `@testable internal import struct Bytes.Identifier`.
    static func module(importedBy line: Substring) -> String? {
        var words = line.split(separator: " ")
        guard let index = words.firstIndex(of: "import") else { return nil }
        let before: Set<Substring> = ["internal", "package", "public", "private", "fileprivate"]
        guard words[..<index].allSatisfy({ $0.hasPrefix("@") || before.contains($0) }) else { return nil }
        words.removeFirst(index + 1)
        let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
        if let first = words.first, kinds.contains(first) { words.removeFirst() }
        return words.first?.split(separator: ".").first.map(String.init)
    }
}
