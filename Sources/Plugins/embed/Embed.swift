internal import Foundation

// The build tool behind the `EmbedDefinitions` plugin: text that people edit in its own language (SQL, JSON) becomes Swift that
// the compiler checks. It runs at build time only, so it may use all of Foundation.
//
// Mistakes end the build as `file:line: error: …`, which editors and SwiftPM show at the place that must change.

@main
struct Embed {
    static func main() {
        let arguments = CommandLine.arguments
        guard arguments.count >= 5 else { end(with: "usage: embed <target> <target folder> <package folder> <output folder> <kind>…") }
        let request = Request(target: arguments[1], folder: URL(filePath: arguments[2]), package: URL(filePath: arguments[3]))
        var mistakes = Mistakes()
        do {
            for kind in arguments.dropFirst(5) {
                let file = URL(filePath: arguments[4]).appending(path: "\(request.target)\(kind).swift")
                try mistakes.collect { try write(source(of: kind, for: request), to: file) }
            }
            try mistakes.throwIfAny()
        } catch let mistakes as Mistakes {
            end(with: mistakes.all.map(\.description).joined(separator: "\n"))
        } catch {
            end(with: "embed: error: \(error)")
        }
    }

    private static func source(of kind: String, for request: Request) throws -> String {
        switch kind {
        case "SQL": try StatementsSource.generate(request)
        case "Migrations": try MigrationsSource.generate(request)
        case "Definitions": try DefinitionsSource.generate(request)
        case "Handlers": try HandlersSource.generate(request)
        case "OpenAPI": try OpenAPISource.generate(request)
        default: throw Mistake(file: request.package, line: 1, message: "embed knows no kind '\(kind)'")
        }
    }

    /// An unchanged file keeps its date, so that nothing downstream is compiled again.
    private static func write(_ source: String, to file: URL) throws {
        let data = Data(("// Generated at build time by Sources/Plugins/embed. Do not edit.\n\n" + source).utf8)
        if let old = try? Data(contentsOf: file), old == data { return }
        try data.write(to: file, options: .atomic)
    }

    private static func end(with message: String) -> Never {
        FileHandle.standardError.write(Data((message + "\n").utf8))
        exit(1)
    }
}

/// What to generate for: a target, its folder, and the folder of the package.
struct Request {
    let target: String
    let folder: URL
    let package: URL
}
