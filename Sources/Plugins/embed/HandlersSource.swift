internal import Foundation

/// The list of job handlers, from `"handler"` and `"style"` of every `jobs/*.json`: a kind without its handler does not compile, and
/// there is no registry file to edit.
enum HandlersSource {
    private struct Kind: Decodable {
        let handler: String?
        let style: String?
    }

    static func generate(_ request: Request) throws -> String {
        var mistakes = Mistakes()
        var owners: [String: URL] = [:]
        var entries: [String] = []
        for url in Folder.files(ending: "json", in: request.package.appending(path: "jobs")) {
            try mistakes.collect {
                let text = try Folder.text(of: url)
                let kind = try decode(text, of: url)
                guard let handler = kind.handler, SwiftText.isIdentifier(handler), handler.first?.isUppercase == true else {
                    throw Mistake(
                        file: url, line: line(of: "\"handler\"", in: text), message: "\"handler\" must name a Swift type, as in PlanPurchaseJob")
                }
                guard let style = kind.style, ["atomic", "leased"].contains(style) else {
                    throw Mistake(file: url, line: line(of: "\"style\"", in: text), message: "\"style\" must be \"atomic\" or \"leased\"")
                }
                if let owner = owners[handler] {
                    throw Mistake(
                        file: url, line: line(of: "\"handler\"", in: text), message: "\(handler) already handles \(owner.lastPathComponent)")
                }
                owners[handler] = url
                entries.append("            .\(style)(\"\(url.deletingPathExtension().lastPathComponent)\", \(handler)(services)),\n")
            }
        }
        try mistakes.throwIfAny()

        let summary = "/// Every job kind's handler, made from `jobs/*.json`.\npackage enum HandlerRegistry {\n"
        guard !entries.isEmpty else {
            // Generic, so that the list compiles before the first kind brings the types it speaks of.
            return summary + "    package static func handlers<Services, JobHandler>(_ services: Services) -> [JobHandler] { [] }\n}\n"
        }
        return "package import Engine\n\n" + summary + "    package static func handlers(_ services: Services) -> [JobHandler] {\n        [\n"
            + entries.joined() + "        ]\n    }\n}\n"
    }

    private static func decode(_ text: String, of file: URL) throws -> Kind {
        do {
            return try JSONDecoder().decode(Kind.self, from: Data(text.utf8))
        } catch {
            throw Mistake(file: file, line: 1, message: "not a JSON object that describes a job: \(error)")
        }
    }

    private static func line(of key: String, in text: String) -> Int {
        guard let place = text.range(of: key) else { return 1 }
        return text[..<place.lowerBound].count { $0 == "\n" } + 1
    }
}
