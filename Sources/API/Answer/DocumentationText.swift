internal import HTTPServer
internal import JSON

/// The description as HTML.
struct DocumentationText: Sendable {
    let html: String

    init(_ contract: Contract) {
        let document = contract.document
        let info = document["info"]
        var text = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        text += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        text += "<title>\(Self.escaped(info?["title"]?.string ?? ""))</title>\n<link rel=\"stylesheet\" href=\"/docs.css\">\n</head>\n<body>\n"
        text += "<header><h1>\(Self.escaped(info?["title"]?.string ?? ""))</h1><p>\(Self.prose(info?["description"]?.string ?? ""))</p>"
        text += "<p><a href=\"/api/v1/openapi.json\">openapi.json</a></p></header>\n"
        let tags = document["tags"]?.array ?? []
        text += "<nav><ul>"
        for tag in tags.compactMap({ $0["name"]?.string }) { text += "<li><a href=\"#\(Self.anchor(tag))\">\(Self.escaped(tag))</a></li>" }
        text += "<li><a href=\"#errors\">errors</a></li></ul></nav>\n<main>\n"
        for tag in tags {
            guard let name = tag["name"]?.string else { continue }
            text += "<section id=\"\(Self.anchor(name))\">\n<h2>\(Self.escaped(name))</h2>\n<p>\(Self.prose(tag["description"]?.string ?? ""))</p>\n"
            text += Self.operations(document, tag: name)
            text += "</section>\n"
        }
        text += Self.errors(document) + "</main>\n</body>\n</html>\n"
        html = text
    }

    private static func operations(_ document: JSONValue, tag: String) -> String {
        var text = ""
        for path in document["paths"]?.object?.members ?? [] {
            for method in path.value.object?.members ?? [] where method.value["tags"]?[0]?.string == tag {
                text += operation(document, path.key, method.key, method.value)
            }
        }
        return text
    }

    private static func operation(_ document: JSONValue, _ path: String, _ method: String, _ operation: JSONValue) -> String {
        var text = "<details id=\"\(escaped(operation["operationId"]?.string ?? ""))\">\n<summary><b class=\"\(method)\">\(method.uppercased())</b> "
        text += "<code>\(escaped(path))</code> <span>\(escaped(operation["summary"]?.string ?? ""))</span></summary>\n"
        if let description = operation["description"]?.string { text += "<p>\(prose(description))</p>\n" }
        var remarks: [String] = []
        if operation["x-public"]?.bool == true { remarks.append("Needs no credentials.") }
        if operation["x-idempotent"]?.bool == true { remarks.append("Takes <code>Idempotency-Key</code>.") }
        if let permission = operation["x-permission"]?.string { remarks.append("Needs the permission <code>\(escaped(permission))</code>.") }
        if let aliases = operation["x-aliases"]?.array?.compactMap(\.string), !aliases.isEmpty {
            remarks.append("Also answers at " + aliases.map { "<code>\(escaped($0))</code>" }.joined(separator: ", ") + ".")
        }
        if !remarks.isEmpty { text += "<p class=\"remark\">\(remarks.joined(separator: " "))</p>\n" }
        let parameters = (operation["parameters"]?.array ?? []).compactMap { try? $0.resolved(in: document) }
        if !parameters.isEmpty {
            text += table(
                ["parameter", "in", "type", ""],
                parameters.map { parameter in
                    [
                        "<code>\(escaped(parameter["name"]?.string ?? ""))</code>" + (parameter["required"]?.bool == true ? " *" : ""),
                        escaped(parameter["in"]?.string ?? ""), type(parameter["schema"], document), prose(parameter["description"]?.string ?? ""),
                    ]
                })
        }
        if let body = operation["requestBody"]?["content"]?["application/json"] {
            text += "<h4>Body</h4>\n" + members(body["schema"], document)
            if let example = body["example"] { text += "<pre>\(escaped(example.prettyText))</pre>\n" }
        }
        return text + responses(operation, document) + "</details>\n"
    }

    private static func responses(_ operation: JSONValue, _ document: JSONValue) -> String {
        var text = "<h4>Answers</h4>\n<ul class=\"answers\">\n"
        for answer in operation["responses"]?.object?.members ?? [] {
            guard let value = try? answer.value.resolved(in: document) else { continue }
            let schema = value["content"]?["application/json"]?["schema"]
            text += "<li><b>\(escaped(answer.key))</b> \(prose(value["description"]?.string ?? ""))"
            if let schema { text += " " + type(schema, document) + members(schema, document) }
            text += "</li>\n"
        }
        return text + "</ul>\n"
    }

    /// The members of an object's schema as a table; nothing for other schemas.
    private static func members(_ schema: JSONValue?, _ document: JSONValue) -> String {
        guard let object = try? schema?.resolved(in: document), let properties = object["properties"]?.object, !properties.isEmpty else { return "" }
        let required = Set(object["required"]?.array?.compactMap(\.string) ?? [])
        return table(
            ["field", "type", ""],
            properties.members.map { property in
                let own = property.value["description"]?.string
                let described = own ?? (try? property.value.resolved(in: document))?["description"]?.string
                return [
                    "<code>\(escaped(property.key))</code>" + (required.contains(property.key) ? " *" : ""), type(property.value, document),
                    prose(described ?? ""),
                ]
            })
    }

    /// A schema in a few words.
    private static func type(_ schema: JSONValue?, _ document: JSONValue) -> String {
        guard let schema else { return "" }
        if let reference = schema["$ref"]?.string, let name = reference.split(separator: "/").last {
            guard let target = try? schema.resolved(in: document), target["properties"] == nil else { return "<i>\(escaped(String(name)))</i>" }
            return target["enum"] == nil ? "<i>\(escaped(String(name)))</i>" : type(target, document)
        }
        if let values = schema["enum"]?.array { return values.map { "<code>\(escaped($0.string ?? $0.text))</code>" }.joined(separator: " ") }
        if schema["type"]?.string == "array" { return "list of " + type(schema["items"], document) }
        if let names = schema["type"]?.array?.compactMap(\.string) { return escaped(names.joined(separator: " or ")) }
        return escaped(schema["type"]?.string ?? "")
    }

    private static func errors(_ document: JSONValue) -> String {
        let codes = document["x-error-codes"]?.object?.members ?? []
        let rows = codes.map { code in
            [
                "<code id=\"\(escaped(code.key))\">\(escaped(code.key))</code>", escaped(code.value["status"]?.text ?? ""),
                prose(code.value["description"]?.string ?? ""),
            ]
        }
        return "<section id=\"errors\">\n<h2>errors</h2>\n<p>Every error is a problem document (RFC 9457) with one of these codes.</p>\n"
            + table(["code", "status", ""], rows) + "</section>\n"
    }

    private static func table(_ header: [String], _ rows: [[String]]) -> String {
        var text = "<table>\n<tr>" + header.map { "<th>\($0)</th>" }.joined() + "</tr>\n"
        for row in rows { text += "<tr>" + row.map { "<td>\($0)</td>" }.joined() + "</tr>\n" }
        return text + "</table>\n"
    }

    private static func anchor(_ tag: String) -> String { escaped("group-" + tag.map { $0 == " " ? "-" : String($0) }.joined()) }

    /// Text whose `code` is marked.
    private static func prose(_ text: String) -> String {
        escaped(text).split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .map { $0.offset.isMultiple(of: 2) ? String($0.element) : "<code>\($0.element)</code>" }.joined()
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
        return result
    }

    static let style = """
        :root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #0b6e63; }
        @media (prefers-color-scheme: dark) { :root { --accent: #4cc4b3; } }
        * { box-sizing: border-box; }
        body { margin: 0; font: 16px/1.55 Inter, system-ui, sans-serif; display: grid; grid-template-columns: 14rem minmax(0, 60rem); gap: 0 2rem; padding: 0 2rem 4rem; }
        header { grid-column: 1 / -1; max-width: 60rem; }
        nav { position: sticky; top: 1rem; align-self: start; }
        nav ul { list-style: none; margin: 0; padding: 0; }
        a { color: var(--accent); }
        h2 { margin: 2.5rem 0 .25rem; }
        h4 { margin: 1rem 0 .25rem; }
        details { border-top: 1px solid var(--line); padding: .5rem 0; }
        summary { cursor: pointer; }
        summary b { display: inline-block; min-width: 4.2rem; font-size: .8rem; letter-spacing: .04em; color: var(--accent); }
        summary span { opacity: .75; }
        code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
        pre { background: var(--soft); padding: .75rem; overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; font-size: .9rem; }
        th, td { text-align: left; vertical-align: top; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); }
        .answers { padding-left: 1.1rem; }
        @media (max-width: 50rem) { body { display: block; padding: 0 1rem 3rem; } nav { position: static; columns: 2; } }

        """
}
