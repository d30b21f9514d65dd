/// What the sources say of themselves, read as text: events, metrics, commands.
enum DocsSources {
    /// Name and summary of every webhook event.
    static func events() -> [(name: String, summary: String)] {
        let text = Tree.file("Sources/Business/Webhooks/WebhookEventType.swift")?.text ?? ""
        let summaries = Dictionary(
            text.matches(of: /case \.(\w+): "([^"]+)"/).map { (String($0.output.1), String($0.output.2)) }, uniquingKeysWith: { first, _ in first })
        return text.matches(of: /\n    case (\w+)(?: = "([a-z_.]+)")?/).map { match in
            (String(match.output.2 ?? match.output.1), summaries[String(match.output.1)] ?? "")
        }
    }

    struct Metric {
        let name: String
        let kind: String
        let labels: [String]
        let help: String
    }

    /// Every metric that is registered under a literal name, sorted by name.
    static func metrics() -> [Metric] {
        let all = Tree.files(below: "Sources", ending: ".swift").flatMap { metrics(in: $0.text) }
        let byName = Dictionary(all.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        return byName.values.sorted { $0.name < $1.name }
    }

    static func metrics(in text: String) -> [Metric] {
        text.matches(of: /(?:^|[^A-Za-z])(counter|gauge|histogram)s?\(\s*"([a-z_]+)",\s*"([^"]*)"/).map { match in
            let rest = text[match.range.upperBound...].prefix(300)
            return Metric(name: String(match.output.2), kind: String(match.output.1), labels: labels(rest, in: text), help: String(match.output.3))
        }
    }

    /// `labels: ["kind": kind]`, or `by: operations, Label("status", […])` with `let operations = Label("operation", …)` before; a call of a function of
    /// the file's own that passes `name, help` on has that one's labels.
    private static func labels(_ rest: Substring, in text: String) -> [String] {
        func keys(_ list: Substring) -> [String] { list.matches(of: /"([a-z_]+)"\s*:/).map { String($0.output.1) } }
        if let list = rest.prefixMatch(of: /,\s*(?:bounds:[^\]\[]*?,\s*)?labels:\s*\[([^\]]*)\]/)?.output.1 { return keys(list) }
        if rest.hasPrefix(")"), let list = text.firstMatch(of: /\(name, help, labels:\s*\[([^\]]*)\]/)?.output.1 { return keys(list) }
        guard let list = rest.prefixMatch(of: /,\s*(?:bounds:[^\]\[]*?,\s*)?by:([^\n]*(?:\n\s*Label\([^\n]*)*)/)?.output.1 else { return [] }
        let declared = text.matches(of: /let (\w+) = Label\("([a-z_]+)"/).map { (String($0.output.1), String($0.output.2)) }
        let named = Dictionary(declared, uniquingKeysWith: { first, _ in first })
        return list.matches(of: /Label\("([a-z_]+)"|(\w+)/).compactMap { match in
            match.output.1.map { String($0) } ?? match.output.2.flatMap { named[String($0)] }
        }
    }

    /// The names of the executable's commands.
    static func commands() -> [String] {
        Tree.files(below: "Sources/millrace/Commands", ending: ".swift").flatMap { file in
            file.text.matches(of: /static let name = "(\w+)"/).map { String($0.output.1) }
        }.sorted()
    }
}
