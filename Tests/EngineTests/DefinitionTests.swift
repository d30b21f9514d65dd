import JSON
import Testing

@testable import Engine

/// A mistake in a definition file names its file and its field, and says what to do.
struct DefinitionTests {
    /// A file with one thing wrong, and where that must be found.
    struct Wrong: Sendable, CustomTestStringConvertible {
        var what: String
        var file = "test.kind.json"
        var field: String
        var says: String
        /// What is replaced in the right file, and by what.
        var change: (String, String)

        var testDescription: String { what }
    }

    private static let kind = """
        {
          "kind": "test.kind", "summary": "A kind of the tests.", "handler": "TestKindJob", "style": "leased", "queue": "fast",
          "maxAttempts": 3, "backoff": { "base": "1s", "factor": 2, "cap": "1m" }, "timeout": "30s", "priority": 1,
          "unique": { "by": ["planId"], "states": "queued", "window": "1h" },
          "schedules": [ { "name": "nightly", "cron": "0 3 * * *", "timeZone": "Europe/Berlin", "catchUp": "latest", "payload": { "planId": "x" } } ],
          "retention": "7d",
          "payload": { "type": "object", "required": ["planId"], "additionalProperties": false, "properties": { "planId": { "type": "string" } } },
          "example": { "planId": "plan_1" }
        }
        """

    private static let queue = """
        {
          "queue": "fast", "summary": "A queue of the tests.", "type": "quorum", "overflow": "reject-publish", "deadLetter": "dead-letters",
          "deliveryLimit": 20, "maxLength": 100000, "prefetch": 100, "batch": 20, "concurrency": { "min": 1, "max": 4 }
        }
        """

    private static let wrong: [Wrong] = [
        Wrong(what: "no JSON", field: "", says: "", change: ("\"kind\":", "kind:")),
        Wrong(what: "a comma too many", field: "", says: "", change: ("\"leased\",", "\"leased\",,")),
        Wrong(what: "a key twice", field: "", says: "", change: ("\"style\": \"leased\"", "\"style\": \"leased\", \"style\": \"atomic\"")),
        Wrong(what: "an array", field: "", says: "object", change: (kind, "[]")),
        Wrong(what: "a misspelt key", field: "/maxAttempt", says: "did you mean \"maxAttempts\"?", change: ("\"maxAttempts\"", "\"maxAttempt\"")),
        Wrong(
            what: "an unknown key", field: "/color", says: "unknown field \"color\"",
            change: ("\"priority\": 1", "\"priority\": 1, \"color\": \"red\"")),
        Wrong(what: "no summary", field: "/summary", says: "is required", change: ("\"summary\": \"A kind of the tests.\",", "")),
        Wrong(what: "a summary that says nothing", field: "/summary", says: "10", change: ("A kind of the tests.", "kind")),
        Wrong(
            what: "a name that is not the file's", field: "/kind", says: "must be the file's name, \"test.kind\"",
            change: ("\"test.kind\"", "\"test.kindred\"")),
        Wrong(what: "a name that is no kind's", field: "/kind", says: "", change: ("\"test.kind\"", "\"TestKind\"")),
        Wrong(what: "a handler that is no type", field: "/handler", says: "", change: ("TestKindJob", "testKind")),
        Wrong(what: "an unknown style", field: "/style", says: "atomic", change: ("\"leased\"", "\"loose\"")),
        Wrong(
            what: "a misspelt queue", field: "/queue", says: "there is no file queues/fats.json: did you mean \"fast\"?",
            change: ("\"fast\"", "\"fats\"")),
        Wrong(what: "an unknown queue", field: "/queue", says: "there is no file queues/elsewhere.json", change: ("\"fast\"", "\"elsewhere\"")),
        Wrong(what: "no attempts", field: "/maxAttempts", says: "1", change: ("\"maxAttempts\": 3", "\"maxAttempts\": 0")),
        Wrong(what: "attempts in words", field: "/maxAttempts", says: "integer", change: ("\"maxAttempts\": 3", "\"maxAttempts\": \"three\"")),
        Wrong(what: "half an attempt", field: "/maxAttempts", says: "integer", change: ("\"maxAttempts\": 3", "\"maxAttempts\": 2.5")),
        Wrong(what: "a timeout without unit", field: "/timeout", says: "must be a duration such as", change: ("\"30s\"", "\"30\"")),
        Wrong(what: "a timeout as number", field: "/timeout", says: "string", change: ("\"30s\"", "30")),
        Wrong(what: "no time at all", field: "/timeout", says: "at least", change: ("\"30s\"", "\"0s\"")),
        Wrong(what: "a negative timeout", field: "/timeout", says: "must be a duration", change: ("\"30s\"", "\"-30s\"")),
        Wrong(
            what: "a backoff of no shape", field: "/backoff", says: "",
            change: ("\"base\": \"1s\", \"factor\": 2, \"cap\": \"1m\"", "\"base\": \"1s\", \"delays\": [\"1s\"]")),
        Wrong(what: "a backoff whose base is over its cap", field: "/backoff", says: "cap", change: ("\"base\": \"1s\"", "\"base\": \"2m\"")),
        Wrong(
            what: "a delay that is none", field: "/backoff/delays/1", says: "\"soon\"",
            change: ("{ \"base\": \"1s\", \"factor\": 2, \"cap\": \"1m\" }", "{ \"delays\": [\"1s\", \"soon\"] }")),
        Wrong(what: "no delays", field: "/backoff", says: "", change: ("{ \"base\": \"1s\", \"factor\": 2, \"cap\": \"1m\" }", "{ \"delays\": [] }")),
        Wrong(what: "a priority beyond the range", field: "/priority", says: "10", change: ("\"priority\": 1", "\"priority\": 11")),
        Wrong(
            what: "unique by a field that is not there", field: "/unique/by/0", says: "the payload has no field \"planID\": did you mean \"planId\"?",
            change: ("[\"planId\"], \"states\"", "[\"planID\"], \"states\"")),
        Wrong(
            what: "unique in unknown states", field: "/unique/states", says: "queuedOrRunning",
            change: ("\"states\": \"queued\"", "\"states\": \"waiting\"")),
        Wrong(what: "a window of nothing", field: "/unique/window", says: "at least", change: ("\"1h\"", "\"0h\"")),
        Wrong(
            what: "a limit by a field that is not there", field: "/limits/by", says: "did you mean \"planId\"?",
            change: ("\"priority\": 1", "\"priority\": 1, \"limits\": { \"by\": \"planID\", \"concurrency\": 1 }")),
        Wrong(
            what: "a limit that limits nothing", field: "/limits", says: "must have a concurrency, a rate, or both",
            change: ("\"priority\": 1", "\"priority\": 1, \"limits\": { \"by\": \"planId\" }")),
        Wrong(
            what: "a limit of nothing", field: "/limits/concurrency", says: "1",
            change: ("\"priority\": 1", "\"priority\": 1, \"limits\": { \"by\": \"planId\", \"concurrency\": 0 }")),
        Wrong(
            what: "a rate without a time", field: "/limits/rate/per", says: "is required",
            change: ("\"priority\": 1", "\"priority\": 1, \"limits\": { \"by\": \"planId\", \"rate\": { \"count\": 5 } }")),
        Wrong(
            what: "a rate per no time", field: "/limits/rate/per", says: "at least",
            change: ("\"priority\": 1", "\"priority\": 1, \"limits\": { \"by\": \"planId\", \"rate\": { \"count\": 5, \"per\": \"0s\" } }")),
        Wrong(
            what: "a rate of an atomic kind", field: "/limits/rate", says: "atomic kinds have no rates",
            change: (
                "\"style\": \"leased\"",
                "\"style\": \"atomic\", \"limits\": { \"by\": \"planId\", \"rate\": { \"count\": 5, \"per\": \"1s\" } }"
            )),
        Wrong(what: "a cron of four fields", field: "/schedules/0/cron", says: "", change: ("0 3 * * *", "0 3 * *")),
        Wrong(what: "a cron beyond the hours", field: "/schedules/0/cron", says: "", change: ("0 3 * * *", "0 25 * * *")),
        Wrong(what: "a time zone of nowhere", field: "/schedules/0/timeZone", says: "Europe/Brelin", change: ("Europe/Berlin", "Europe/Brelin")),
        Wrong(what: "an unknown policy", field: "/schedules/0/catchUp", says: "latest", change: ("\"catchUp\": \"latest\"", "\"catchUp\": \"last\"")),
        Wrong(
            what: "a schedule whose payload does not fit", field: "/schedules/0/payload/planId", says: "string",
            change: ("\"payload\": { \"planId\": \"x\" } }", "\"payload\": { \"planId\": 1 } }")),
        Wrong(
            what: "two schedules of one name", field: "/schedules/1/name", says: "\"nightly\"",
            change: (
                "\"payload\": { \"planId\": \"x\" } }",
                "\"payload\": { \"planId\": \"x\" } }, { \"name\": \"nightly\", \"cron\": \"0 4 * * *\", \"payload\": { \"planId\": \"y\" } }"
            )),
        Wrong(what: "a retention in years", field: "/retention", says: "must be a duration", change: ("\"7d\"", "\"1y\"")),
        Wrong(what: "no retention", field: "/retention", says: "at least", change: ("\"7d\"", "\"0d\"")),
        Wrong(what: "retention for ever", field: "/retention", says: "at most", change: ("\"7d\"", "\"40000d\"")),
        Wrong(
            what: "a payload that is no schema", field: "/payload", says: "",
            change: ("\"required\": [\"planId\"], \"additional", "\"required\": \"planId\", \"additional")),
        Wrong(what: "an example that does not fit", field: "/example/planId", says: "string", change: ("\"plan_1\"", "17")),
        Wrong(
            what: "an example with a field too many", field: "/example/plan", says: "unknown field",
            change: ("\"planId\": \"plan_1\"", "\"planId\": \"plan_1\", \"plan\": 1")),
        Wrong(what: "a queue that is no quorum queue", file: "fast.json", field: "/type", says: "quorum", change: ("\"quorum\"", "\"classic\"")),
        Wrong(
            what: "a queue that drops", file: "fast.json", field: "/overflow", says: "reject-publish", change: ("\"reject-publish\"", "\"drop-head\"")
        ),
        Wrong(
            what: "dead letters to nowhere", file: "fast.json", field: "/deadLetter", says: "dead-letters", change: ("\"dead-letters\"", "\"bin\"")),
        Wrong(
            what: "a queue's misspelt key", file: "fast.json", field: "/prefetsch", says: "did you mean \"prefetch\"?",
            change: ("\"prefetch\"", "\"prefetsch\"")),
        Wrong(
            what: "a batch beyond PostgreSQL's savepoints", file: "fast.json", field: "/batch", says: "60", change: ("\"batch\": 20", "\"batch\": 61")
        ),
        Wrong(
            what: "a prefetch beyond a quorum queue's", file: "fast.json", field: "/prefetch", says: "2000",
            change: ("\"prefetch\": 100", "\"prefetch\": 2001")),
        Wrong(
            what: "less than the least concurrency", file: "fast.json", field: "/concurrency/max", says: "min, 5",
            change: ("\"min\": 1", "\"min\": 5")),
        Wrong(what: "a concurrency without its end", file: "fast.json", field: "/concurrency/max", says: "is required", change: (", \"max\": 4", "")),
        Wrong(
            what: "a queue with another name", file: "fast.json", field: "/queue", says: "must be the file's name",
            change: ("\"queue\": \"fast\"", "\"queue\": \"faster\"")),
        Wrong(what: "a queue that is no JSON", file: "fast.json", field: "", says: "", change: ("}", "")),
    ]

    private func mistakes(jobs: [(file: String, text: String)], queues: [(file: String, text: String)]) -> [DefinitionError.Mistake] {
        do {
            _ = try Catalog(jobs: jobs, queues: queues)
            return []
        } catch {
            return error.mistakes
        }
    }

    @Test func `the right files have no mistake`() {
        #expect(mistakes(jobs: [("test.kind.json", Self.kind)], queues: [("fast.json", Self.queue)]).isEmpty)
    }

    @Test func `the definitions of this build have no mistake`() throws {
        let catalog = try Catalog.embedded()
        for job in catalog.sortedJobs { #expect(job.payloadSchema.validate(job.example).isEmpty) }
    }

    @Test(arguments: wrong) func `a mistake names its file and its field`(wrong: Wrong) throws {
        let right = wrong.file == "fast.json" ? Self.queue : Self.kind
        let text = right.replacing(wrong.change.0, with: wrong.change.1, maxReplacements: 1)
        try #require(text != right)
        let mistakes = mistakes(
            jobs: [("test.kind.json", wrong.file == "test.kind.json" ? text : Self.kind)],
            queues: [("fast.json", wrong.file == "fast.json" ? text : Self.queue)])
        #expect(
            mistakes.contains { $0.file == wrong.file && $0.field == wrong.field && $0.message.contains(wrong.says) && !$0.message.isEmpty },
            "\(DefinitionError(mistakes: mistakes))")
    }

    @Test func `one mistake is told once`() {
        let broken = Self.queue.replacing("\"quorum\"", with: "\"classic\"")
        #expect(mistakes(jobs: [("test.kind.json", Self.kind)], queues: [("fast.json", broken)]).count == 1)
        let kind = Self.kind.replacing("\"leased\"", with: "\"loose\"")
        #expect(mistakes(jobs: [("test.kind.json", kind)], queues: [("fast.json", Self.queue)]).count == 1)
        #expect(mistakes(jobs: [("test.kind.json", "{")], queues: [("fast.json", Self.queue)]).count == 1)
        #expect(mistakes(jobs: [("test.kind.json", Self.kind)], queues: [("fast.json", "{")]).count == 1)
    }

    @Test func `all mistakes of all files are told at once`() {
        let kind = Self.kind.replacing("\"30s\"", with: "\"30\"").replacing("\"7d\"", with: "\"7\"").replacing("0 3 * * *", with: "never")
        let found = mistakes(jobs: [("test.kind.json", kind)], queues: [("fast.json", Self.queue.replacing("20", with: "0"))])
        #expect(
            Set(found.map { $0.file + $0.field }).isSuperset(of: [
                "test.kind.json/timeout", "test.kind.json/retention", "test.kind.json/schedules/0/cron", "fast.json/batch",
            ]))
        let text = DefinitionError(mistakes: found).description
        #expect(text.contains("test.kind.json /timeout: must be a duration"))
        #expect(text.split(separator: "\n").count == found.count)
    }

    @Test func `a queue without kinds is a mistake`() {
        let lonely = Self.queue.replacing("\"fast\"", with: "\"lonely\"")
        let found = mistakes(jobs: [("test.kind.json", Self.kind)], queues: [("fast.json", Self.queue), ("lonely.json", lonely)])
        #expect(found.map { $0.file + $0.field } == ["lonely.json/queue"])
    }

    @Test func `a kind or a queue that is defined twice is a mistake`() {
        let kinds = mistakes(jobs: [("test.kind.json", Self.kind), ("test.kind.json", Self.kind)], queues: [("fast.json", Self.queue)])
        #expect(kinds.contains { $0.file == "test.kind.json" && $0.field == "/kind" && $0.message == "is defined twice" })
        let queues = mistakes(jobs: [("test.kind.json", Self.kind)], queues: [("fast.json", Self.queue), ("fast.json", Self.queue)])
        #expect(queues.contains { $0.file == "fast.json" && $0.field == "/queue" && $0.message == "is defined twice" })
    }

    @Test func `a file without the ending is named as it is`() {
        let found = mistakes(jobs: [("test.kind.jsn", Self.kind)], queues: [("fast.json", Self.queue)])
        #expect(found.contains { $0.file == "test.kind.jsn" && $0.field == "/kind" && $0.message.contains("test.kind") })
    }
}
