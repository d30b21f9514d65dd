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
    static let summary = "measure the engine on a database of its own: drain rates, enqueue rates"
    static let usage = "drain [--kind bench.noop|bench.limited|bench.atomic|bench.txn] [--jobs N] [--keys N] [--runs N] | enqueue [--jobs N]"
    static let options = ["--kind", "--jobs", "--runs", "--keys", "--lanes", "--leased"]

    static func run(_ arguments: Arguments) throws {
        let bench = try EngineBench(arguments)
        switch try arguments.word(0, "what to measure: drain or enqueue") {
        case "drain": try bench.drain()
        case "enqueue": try bench.enqueue()
        case let other: throw CommandFailure.usage("bench has drain and enqueue, not \"\(other)\"")
        }
    }
}
