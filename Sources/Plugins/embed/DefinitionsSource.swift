internal import Foundation

/// The text of `jobs/*.json` and `queues/*.json`; Engine parses and judges them when a process starts, and in its tests.
enum DefinitionsSource {
    static func generate(_ request: Request) throws -> String {
        var source = "/// The definitions that this build was made with: file name and text.\npackage enum EmbeddedDefinitions {\n"
        for folder in ["jobs", "queues"] {
            source += "    package static let \(folder): [(file: String, text: String)] = [\n"
            for file in Folder.files(ending: "json", in: request.package.appending(path: folder)) {
                source += "(\(SwiftText.quoted(file.lastPathComponent)), \(SwiftText.literal(try Folder.text(of: file)))),\n"
            }
            source += "    ]\n"
        }
        return source + "}\n"
    }
}

/// The text of `docs/openapi.json`, which the API serves and is tested against.
enum OpenAPISource {
    static func generate(_ request: Request) throws -> String {
        let file = request.package.appending(path: "docs/openapi.json")
        let text = FileManager.default.fileExists(atPath: file.path) ? try Folder.text(of: file) : "{}"
        return
            "/// The description of the API, `docs/openapi.json`.\nenum EmbeddedOpenAPI {\nstatic let text: String = \(SwiftText.literal(text))\n}\n"
    }
}
