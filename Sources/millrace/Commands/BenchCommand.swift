internal import Bytes
internal import Clocks
internal import Engine
internal import Glibc
internal import JSON
internal import Postgres
internal import Settings
internal import Telemetry

/// Measures the engine on the configured servers.
///
/// Needs a database of its own: it fills the ledger.
enum BenchCommand: Command {
    static let name = "bench"
    static let summary = "measure on a database of its own: drain rates, enqueue rates, webhooks"
    static let usage = """
        drain [--kind bench.noop|bench.limited|bench.atomic|bench.txn] [--jobs N] [--keys N] [--runs N] | enqueue [--jobs N]
            | webhooks [--endpoints 100] [--deliveries 20000] [--hanging 0.1] [--runs N] [--sink URL]
        """
    static let options = ["--kind", "--jobs", "--runs", "--keys", "--lanes", "--leased", "--endpoints", "--deliveries", "--hanging", "--sink"]

    static func run(_ arguments: Arguments) throws {
        switch try arguments.word(0, "what to measure: drain, enqueue or webhooks") {
        case "drain": try EngineBench(arguments).drain()
        case "enqueue": try EngineBench(arguments).enqueue()
        case "webhooks": try WebhookBench(arguments).run()
        case let other: throw CommandFailure.usage("bench has drain, enqueue and webhooks, not \"\(other)\"")
        }
    }
}
