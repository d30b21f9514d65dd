import Business
import Bytes
import JSON
import Postgres
import TestSupport
import Testing

/// The benchmarks as commands: their figures are there and possible; how large they are is no matter of tests.
@Suite(.database(.millrace), .serialized, .tellingLogs, .timeLimit(.minutes(3)))
struct BenchTests {
    @Test(arguments: ["bench.noop", "bench.txn"])
    func `a drain says what it cost and where it ran`(kind: String) async throws {
        try await SystemRig.run { rig in
            let ended = try await rig.command(
                "bench", "drain", "--kind", kind, "--jobs", "300", "--runs", "2", "--warmup", "0", "--json", within: .seconds(60))
            #expect(ended.code == 0, "\(ended.log)")
            let report = try JSONValue(parsing: ended.output)
            #expect(report["machine"]?["cores"]?.int ?? 0 > 0)
            #expect(report["servers"]?["broker"]?.string?.hasPrefix("RabbitMQ ") == true)
            #expect(report["settings"]?["fsync"]?.string != nil)
            let runs = report["series"]?[kind]?["runs"]?.array ?? []
            #expect(runs.count == 2)
            for run in runs {
                for figure in ["drain_per_second", "enqueue_per_second", "cpu_millrace_us", "wal_bytes", "commits", "memory_millrace_mib"] {
                    #expect(run[figure]?.double ?? 0 > 0, "\(figure)")
                }
            }
            let left: Int = try await rig.lanes.run { connection in
                try connection.run(.once("select count(*) as n from jobs")).only()("n")
            }
            #expect(left == 0)
        }
    }

    @Test func `every job of a latency run has a time`() async throws {
        try await SystemRig.run { rig in
            let ended = try await rig.command("bench", "latency", "--rate", "50", "--seconds", "1", "--runs", "1", "--json", within: .seconds(60))
            #expect(ended.code == 0, "\(ended.log)")
            let run = try JSONValue(parsing: ended.output)["series"]?["at 50 jobs/s"]?["runs"]?[0]
            let (half, most, worst) = (run?["pickup_p50_ms"]?.double, run?["pickup_p99_ms"]?.double, run?["pickup_max_ms"]?.double)
            #expect(half ?? -1 >= 0 && most ?? -1 >= half ?? 0 && worst ?? -1 >= most ?? 0)
        }
    }

    @Test func `a hot key fills its limit and does not exceed it, and the others have times alone, with it and with the same load`() async throws {
        try await SystemRig.run { rig in
            let ended = try await rig.command(
                "bench", "hot-key", "--rate", "50", "--seconds", "1", "--runs", "1", "--lead", "1", "--limit", "2", "--work", "40", "--times", "4",
                "--json", within: .seconds(90))
            #expect(ended.code == 0, "\(ended.log)")
            let report = try JSONValue(parsing: ended.output)
            #expect(report["hot_limit"]?["most"]?.int == 2)
            #expect(report["ratio_p99"]?.double ?? 0 > 0)
            let (alone, hot) = (report["series"]?["alone"]?["runs"]?[0], report["series"]?["with a hot key"]?["runs"]?[0])
            #expect(alone?["pickup_p99_ms"]?.double ?? 0 > 0 && hot?["pickup_p99_ms"]?.double ?? 0 > 0)
            #expect(hot?["hot_ran_per_second"]?.double ?? 0 > 0)
            #expect(hot?["company_sent_per_second"]?.double ?? 0 > hot?["hot_ran_per_second"]?.double ?? 0)
            #expect(report["series"]?["with as many of other keys"]?["runs"]?[0]?["company_sent_per_second"]?.double ?? 0 > 0)
        }
    }

    @Test(arguments: ["refused", "wiped", "deleted"])
    func `a broker that was gone is used again, and no job is lost or runs twice`(fault: String) async throws {
        try await SystemRig.run { rig in
            let ended = try await rig.command(
                "bench", "outage", "--faults", fault, "--rate", "100", "--away", "2", "--settle", "1", "--burst", "1000", "--late", "1000",
                "--limit", "60", "--json", within: .seconds(120))
            #expect(ended.code == 0, "\(ended.log)")
            let run = try JSONValue(parsing: ended.output)["series"]?[fault]?["runs"]?[0]
            #expect(run?["before_per_second"]?.double ?? 0 > 50)
            #expect(run?["connected_after_seconds"]?.double ?? 0 > 0)
            #expect(run?["full_after_seconds"]?.double ?? -1 >= 0)
            #expect(run?["run_again"]?.double == 0)
            // While the broker is away the worker finds its jobs itself.
            if fault != "deleted" { #expect(run?["away_per_second"]?.double ?? 0 > 0) }
        }
    }

    @Test func `growth keeps its backlog while it drains, and gives ratios`() async throws {
        try await SystemRig.run { rig in
            let ended = try await rig.command(
                "bench", "growth", "--jobs", "200", "--runs", "1", "--finished", "3000", "--backlog", "500", "--backlog-in", "same", "--snapshots",
                "2",
                "--snapshot-seconds", "1", "--snapshot-run", "1", "--json", within: .seconds(90))
            #expect(ended.code == 0, "\(ended.log)")
            let report = try JSONValue(parsing: ended.output)
            for ratio in ["ratio_finished", "ratio_finished_and_backlog", "ratio_snapshots", "ratio_snapshots_end"] {
                #expect(report[ratio]?.double ?? 0 > 0, "\(ratio)")
            }
        }
    }

    @Test func `bulk enqueues every job, and idle finds every role`() async throws {
        try await SystemRig.run { rig in
            let bulk = try await rig.command("bench", "enqueue", "--bulk", "--jobs", "2500", "--runs", "1", "--json", within: .seconds(60))
            #expect(bulk.code == 0, "\(bulk.log)")
            #expect(try JSONValue(parsing: bulk.output)["series"]?["bulk"]?["runs"]?[0]?["enqueue_per_second"]?.double ?? 0 > 0)
            let idle = try await rig.command("bench", "idle", "--settle", "0", "--seconds", "1", "--runs", "1", "--json", within: .seconds(90))
            #expect(idle.code == 0, "\(idle.log)")
            let run = try JSONValue(parsing: idle.output)["series"]?["idle"]?["runs"]?[0]
            for role in ["relay", "scheduler", "worker", "api"] { #expect(run?["\(role)_rss_mib"]?.double ?? 0 > 0, "\(role)") }
        }
    }

    @Test func `a database that a platform uses is not touched`() async throws {
        try await SystemRig.run { rig in
            let market = try await Market.open(rig)
            let request = try await market.purchase()
            let ended = try await rig.command("bench", "drain", "--jobs", "10")
            #expect(ended.code == 1 && ended.log.contains("in use by a platform"))
            let job = try await rig.command("jobs", "show", request.jobID.text("job"))
            #expect(job.code == 0)
        }
    }

    @Test func `a wrong word is answered by the nearest right one`() async throws {
        try await SystemRig.run { rig in
            let name = try await rig.command("bench", "drian")
            #expect(name.code == 64 && name.log.contains("did you mean drain?"))
            let option = try await rig.command("bench", "drain", "--bulk")
            #expect(option.code == 64 && option.log.contains("bench drain has no option --bulk"))
            let kind = try await rig.command("bench", "drain", "--kind", "bench.nop")
            #expect(kind.code == 64 && kind.log.contains("did you mean bench.noop?"))
        }
    }
}
