internal import FoundationEssentials
internal import JSON
internal import Testing

/// The documents say what the code says.
///
/// One after the other, since several tables share a file.
@Suite(.serialized) struct DocsTests {
    @Test func `the tables of kinds and queues are those of the definitions`() throws {
        try DocsBlock(path: "docs/concepts/jobs.md", name: "kinds").hold(DocsDefinitions.kinds())
        try DocsBlock(path: "docs/concepts/jobs.md", name: "queues").hold(DocsDefinitions.queues())
    }

    @Test func `the table of webhook events is the code's`() throws {
        let events = DocsSources.events()
        #expect(events.contains { $0.name == "test" } && events.contains { $0.name == "plan.purchased" })
        #expect(events.allSatisfy { !$0.summary.isEmpty })
        let rows = events.map { ["`\($0.name)`", $0.summary] }
        try DocsBlock(path: "docs/concepts/webhooks.md", name: "events").hold(DocsBlock.table(["event", "when"], rows))
    }

    @Test func `the table of retries is the definition's`() throws {
        try DocsBlock(path: "docs/concepts/webhooks.md", name: "retries").hold(DocsDefinitions.retries())
        #expect(DocsDefinitions.spoken(272_105) == "75 h 35 min 5 s")
    }

    @Test func `the table of metrics names every metric`() throws {
        let metrics = DocsSources.metrics()
        #expect(metrics.contains { $0.name == "millrace_jobs_ended_total" && $0.labels == ["kind", "outcome"] })
        let rows = metrics.map { ["`\($0.name)`", $0.kind, $0.labels.map { "`\($0)`" }.joined(separator: ", "), $0.help] }
        try DocsBlock(path: "docs/operations.md", name: "metrics").hold(DocsBlock.table(["metric", "type", "labels", "meaning"], rows))
    }

    @Test(arguments: [("job", "jobs/kind.json"), ("queue", "queues/queue.json")])
    func `every field of a definition is explained`(name: String, file: String) throws {
        let text = try #require(Tree.file("docs/concepts/jobs.md")).text
        let heading = try #require(text.firstRange(of: "## Fields of \(file)"))
        let rest = text[heading.upperBound...]
        let section = rest[..<(rest.firstRange(of: "\n## ")?.lowerBound ?? rest.endIndex)]
        let explained = section.matches(of: /\n\| `(\w+)` \|/).map { String($0.output.1) }
        let fields = try DocsDefinitions.fields(of: name)
        #expect(fields.count > 8)
        #expect(explained.sorted() == fields.sorted())
    }

    @Test func `every command is explained`() throws {
        let text = try #require(Tree.file("docs/operations.md")).text
        let commands = DocsSources.commands()
        #expect(commands.contains("up"))
        #expect(commands.filter { !text.contains("`millrace \($0)") } == [])
    }

    @Test func `no link leads nowhere`() {
        var broken: [String] = []
        for document in DocsLinks.documents {
            for target in DocsLinks.targets(of: document) {
                guard FileManager.default.fileExists(atPath: Tree.root.appending(path: target.path).path) else {
                    broken.append("\(document.path): \(target.path)")
                    continue
                }
                guard let anchor = target.anchor, let text = Tree.file(target.path)?.text else { continue }
                if !DocsLinks.anchors(of: text).contains(anchor) { broken.append("\(document.path): \(target.path)#\(anchor)") }
            }
        }
        #expect(broken == [])
        #expect(DocsLinks.documents.count > 10)
    }

    @Test func `decisions are numbered without a gap, complete and listed`() throws {
        let names = Tree.names(in: "docs/decisions").filter { $0 != "README.md" }
        let list = try #require(Tree.file("docs/decisions/README.md")).text
        for (index, name) in names.enumerated() {
            let number = String(index + 1)
            #expect(name.hasPrefix(String(repeating: "0", count: 4 - number.count) + number + "-"), "\(name)")
            #expect(list.contains("](\(name))"), "docs/decisions/README.md does not list \(name)")
            let text = try #require(Tree.file("docs/decisions/\(name)")).text
            for heading in ["Context", "Decision", "Cost"] { #expect(text.contains("\n## \(heading)\n"), "\(name) has no \(heading)") }
        }
    }

    @Test func `the readers of sources and links read`() {
        let calls = "registry.counter(\n \"a_total\", \"Help.\", labels: [\"kind\": kind])\n gauge(\"b\", \"Other.\") { 1 }"
        let metrics = DocsSources.metrics(in: calls)
        #expect(metrics.map(\.name) == ["a_total", "b"] && metrics.map(\.labels) == [["kind"], []])
        let passed = "func gauges(_ name: String, _ help: String) { registry.gauge(name, help, labels: [\"queue\": $0]) }\ngauges(\"c\", \"C.\")"
        #expect(DocsSources.metrics(in: passed).map(\.labels) == [["queue"]])
        let series = "let routes = Label(\"route\", all)\nx = m.counters(\"a\", \"H.\", by: routes,\n    Label(\"status\", [\"2xx\"]))\n"
        #expect(DocsSources.metrics(in: series).map(\.labels) == [["route", "status"]])
        #expect(DocsLinks.resolved("../operations.md", from: "docs/concepts/jobs.md") == "docs/operations.md")
        #expect(DocsLinks.anchor(of: "A job's life") == "a-jobs-life")
        #expect(DocsLinks.prose("a\n```\n[x](y)\n```\nb") == "a\n```\nb")
    }
}
