internal import Bytes
internal import Crypto
internal import Glibc
internal import HTTPServer
internal import JSON
internal import Lanes
internal import Synchronization

/// Plays the other side: for tests, benchmarks and an operator's staging.
enum SimulateCommand: Command {
    static let name = "simulate"
    static let summary = "play the other side: a webhook subscriber that answers, delays, fails or hangs as told, verifies and counts"
    static let usage = """
        webhook-sink [--port 9200] [--threads 1] [--secret [/PATH=]whsec_… …]
            [--status CODE] [--fail SHARE] [--delay 50ms] [--retry-after SECONDS] [--hang] [--reset] [--every 5] [--json]

        Each path is an endpoint; a URL's query speaks over the flags for its endpoint: /shop?delay=2s, /dead?hang, /busy?retry-after=5,
        /flaky?status=503&fail=0.2, /moved?gone. GET /stats tells the counts as JSON; they are printed every --every seconds (0: only at the end).
        """
    static let flags = ["--hang", "--reset"]
    static let options = ["--port", "--threads", "--secret", "--status", "--fail", "--delay", "--retry-after", "--every"]

    static func run(_ arguments: Arguments) throws {
        let what = try arguments.word(0, "what to simulate: webhook-sink")
        guard what == "webhook-sink" else {
            throw CommandFailure.usage("there is no simulation \"\(what)\"" + Suggestion.hint(what, ["webhook-sink"]))
        }
        StopSignals.block()
        var behaviour = SinkBehaviour()
        var told: [(name: String, value: String)] = []
        for option in ["--status", "--fail", "--delay", "--retry-after"] {
            if let value = arguments.value(option) { told.append((String(option.dropFirst(2)), value)) }
        }
        for flag in flags where arguments.has(flag) { told.append((String(flag.dropFirst(2)), "")) }
        try behaviour.read(told)
        let sink = WebhookSink(behaviour)
        for text in arguments.all("--secret") {
            let parts = text.hasPrefix("/") ? text.split(separator: "=", maxSplits: 1).map(String.init) : ["", text]
            guard parts.count == 2 else { throw CommandFailure.usage("--secret takes a secret or /PATH=secret") }
            do {
                sink.trust(try WebhookSecret(parts[1]), at: parts[0])
            } catch {
                throw CommandFailure.usage(error.message)
            }
        }
        let port = try arguments.number("--port", default: 9200)
        let every = try arguments.number("--every", default: 5)
        let wantsJSON = arguments.wantsJSON
        guard port <= 65_535 else { throw CommandFailure.usage("--port is at most 65535") }
        let base = try sink.start(port: UInt16(port), threads: max(1, arguments.number("--threads", default: 1)))
        Output.complaint("listening on \(base)")
        let stopping = Atomic<Bool>(false)
        let ticker = Thread("ticker") {
            var last = 0
            var next = monotonicNanoseconds()
            while every > 0, !stopping.load(ordering: .relaxed) {
                next += Int64(every) * 1_000_000_000
                while monotonicNanoseconds() < next, !stopping.load(ordering: .relaxed) { pause(.milliseconds(50)) }
                let tally = sink.tally()
                guard tally.received != last else { continue }
                if !wantsJSON { Output.line("\((tally.received - last) / every)/s  \(tally.text)") }
                last = tally.received
            }
        }
        _ = StopSignals.wait()
        stopping.store(true, ordering: .relaxed)
        _ = ticker.join(timeout: .seconds(1))
        if wantsJSON { Output.json(sink.json) } else { Output.line(sink.tally().text) }
        exit(0)
    }
}
