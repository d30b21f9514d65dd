import Business
import Bytes
import Engine
import JSON
import TestSupport
import Testing

/// The command line, as scripts use it: exit codes, and JSON that parses.
@Suite(.database(.millrace), .serialized, .tellingLogs, .timeLimit(.minutes(3)))
struct CommandTests {
    @Test func `jobs are listed, shown, cancelled, enqueued and retried`() async throws {
        try await SystemRig.run { rig in
            let market = try await Market.open(rig)
            let request = try await market.purchase()
            let job = request.jobID.text("job")

            let list = try await rig.command("jobs", "list", "--json", "--kind", "plan.purchase")
            #expect(list.code == 0)
            let jobs = try JSONValue(parsing: list.output)
            #expect(jobs.array?.count == 1)
            #expect(jobs[0]?["id"]?.string == job && jobs[0]?["state"]?.string == "queued")
            let table = try await rig.command("jobs", "list", "--state", "queued")
            #expect(table.output.contains(job) && table.output.contains("plan.purchase"))
            let none = try await rig.command("jobs", "list", "--state", "dead", "--json")
            #expect(try JSONValue(parsing: none.output) == [])

            let show = try await rig.command("jobs", "show", job)
            #expect(try JSONValue(parsing: show.output)["payload"]?["planId"]?.string == request.plan.id.text("plan"))
            let stranger = try await rig.command("jobs", "show", Identifier.next().text("job"))
            #expect(stranger.code == 2)
            let nonsense = try await rig.command("jobs", "show", "42")
            #expect(nonsense.code == 64)

            let enqueued = try await rig.command("jobs", "enqueue", "retention.sweep", "{}", "--delay", "1h", "--priority", "3")
            #expect(enqueued.code == 0)
            let id = String(enqueued.output.split { $0.isWhitespace }.first ?? "")
            let folded = try await rig.command("jobs", "enqueue", "retention.sweep")
            #expect(folded.output.contains(id) && folded.output.contains("folded"))
            let cancelled = try await rig.command("jobs", "cancel", id)
            #expect(cancelled.code == 0 && cancelled.output.contains("cancelled"))
            let again = try await rig.command("jobs", "cancel", id)
            #expect(again.code == 1)
            let unfit = try await rig.command("jobs", "enqueue", "plan.purchase", "{\"planId\": 7}")
            #expect(unfit.code != 0 && unfit.log.contains("/holdId is required"))
            let misspelt = try await rig.command("jobs", "enqueue", "plan.purchas")
            #expect(misspelt.code == 64 && misspelt.log.contains("did you mean plan.purchase?"))

            // A payload that fits the schema and leads nowhere: dead at once.
            let example = try #require(rig.catalog.jobs["plan.purchase"]?.example)
            let doomed = try await rig.command("jobs", "enqueue", "plan.purchase", example.text)
            let dead = try #require(Identifier(String(doomed.output.split { $0.isWhitespace }.first ?? ""), prefix: "job"))
            for role in ["relay", "worker"] { _ = try rig.start(role) }
            let record = try await rig.job(dead, is: .dead)
            #expect(record?.errorCode != nil)
            try await rig.job(request.jobID, is: .completed)
            let alive = try await rig.command("jobs", "retry", job)
            #expect(alive.code == 1)
            _ = try await rig.command("queues", "pause", "purchase")
            let retry = try await rig.command("jobs", "retry", dead.text("job"))
            #expect(retry.code == 0)
            let revived = try await rig.job(dead)
            #expect(revived?.state == .queued && revived?.attempt == 0)
            _ = try await rig.command("queues", "resume", "purchase")
            try await rig.job(dead, is: .dead)
            let all = try await rig.command("jobs", "retry", "--queue", "purchase")
            #expect(all.output.contains("1 dead"))
            let written = "select count(*) from audit_log where action like 'job.%' and user_agent = 'millrace command line'"
            #expect(try await rig.count(written) == 3)
            let unbounded = try await rig.command("jobs", "retry")
            #expect(unbounded.code == 64)
        }
    }

    @Test func `orders are listed, shown, released and completed, with the reason in the audit log`() async throws {
        try await SystemRig.run { rig in
            let market = try await Market.open(rig)
            let request = try await market.purchase()
            let job = request.jobID.text("job")
            let working = try await rig.command("orders", "release", job, "--reason", "too early")
            #expect(working.code == 1 && working.log.contains("still at work"))
            let alone = try await rig.command("jobs", "cancel", job)
            #expect(alone.code == 1 && alone.log.contains("cancel the plan"))
            _ = try await rig.act { try $1.ledger.cancel(request.jobID, actor: nil, on: $0) }

            let list = try await rig.command("orders", "list", "--json")
            #expect(try JSONValue(parsing: list.output)[0]?["id"]?.string == job)
            let table = try await rig.command("orders", "list")
            #expect(table.output.contains(job) && table.output.contains("2.10 USD"))
            let silent = try await rig.command("orders", "release", job)
            #expect(silent.code == 64 && silent.log.contains("--reason"))
            let folder = try TemporaryFolder()
            try folder.write("misspelt.json", "{\"expiresAd\": \"2030-01-01T00:00:00Z\"}")
            let misspelt = try await rig.command("orders", "complete", job, "--reason", "seen", "--delivery", folder.path + "/misspelt.json")
            #expect(misspelt.code == 64 && misspelt.log.contains("did you mean expiresAt?"))
            try folder.write("delivery.json", "{\"reference\": \"plan_there\"}")
            let native = try await rig.command("orders", "complete", job, "--reason", "seen", "--delivery", folder.path + "/delivery.json")
            #expect(native.code == 1 && native.log.contains("retry the job"))
            let released = try await rig.command("orders", "release", job, "--reason", "nobody delivers")
            #expect(released.code == 0 && released.output.contains("is released") && released.output.contains("is cancelled"))
            let show = try await rig.command("orders", "show", job)
            #expect(try JSONValue(parsing: show.output)["state"] == "released")
            let again = try await rig.command("orders", "release", job, "--reason", "twice")
            #expect(again.code == 0)
            let stranger = try await rig.command("orders", "show", Identifier.next().text("job"))
            #expect(stranger.code == 2)
        }
    }

    @Test func `queues are listed, compared, declared, paused and resumed`() async throws {
        try await SystemRig.run { rig in
            let market = try await Market.open(rig)
            let missing = try await rig.command("queues", "diff")
            #expect(missing.code == 1 && missing.log.contains("purchase"))
            let applied = try await rig.command("queues", "apply")
            #expect(applied.code == 0)
            let complete = try await rig.command("queues", "diff")
            #expect(complete.code == 0)

            let paused = try await rig.command("queues", "pause", "purchase")
            #expect(paused.code == 0)
            for role in ["relay", "worker"] { _ = try rig.start(role) }
            let request = try await market.purchase()
            let list = try await rig.command("queues", "list", "--json")
            let queue = try JSONValue(parsing: list.output).array?.first { $0["queue"]?.string == "purchase" }
            #expect(queue?["paused"]?.bool == true && queue?["ready"]?.int == 1)
            let waiting = try await rig.job(request.jobID)
            #expect(waiting?.state == .queued)
            let resumed = try await rig.command("queues", "resume", "purchase")
            #expect(resumed.code == 0)
            try await rig.job(request.jobID, is: .completed)
            let misspelt = try await rig.command("queues", "pause", "purchases")
            #expect(misspelt.code == 64 && misspelt.log.contains("did you mean purchase?"))
        }
    }

    @Test func `settings are shown with secrets masked, and mistakes are named`() async throws {
        try await SystemRig.run { rig in
            let check = try await rig.command("config", "check")
            #expect(check.code == 0)
            let show = try await rig.command("config", "show", "--json", with: ["MILLRACE_AMQP_URL": "amqp://ann:geheim17@127.0.0.1:1/"])
            let settings = try JSONValue(parsing: show.output)
            #expect(
                settings.array?.contains { $0["key"]?.string == "amqp.url" && $0["source"]?.string?.contains("MILLRACE_AMQP_URL") == true } == true)
            for text in [show.output, try await rig.command("config", "show").output] {
                for secret in rig.secrets + ["geheim17"] { #expect(!text.contains(secret)) }
            }
            let unknown = try await rig.command("worker", with: ["MILLRACE_WORKER_GRASE": "3s"])
            #expect(unknown.code == 78 && unknown.log.contains("MILLRACE_WORKER_GRASE") && unknown.log.contains("MILLRACE_WORKER_GRACE"))
            let wrong = try await rig.command("worker", with: ["MILLRACE_WORKER_GRACE": "soon", "MILLRACE_AMQP_URL": ""])
            #expect(wrong.code == 78)
            #expect(wrong.log.contains("worker.grace") && wrong.log.contains("MILLRACE_AMQP_URL"), "all mistakes at once: \(wrong.log)")
            let keys = try await rig.command("api", with: ["MILLRACE_SECURITY_ENCRYPTION_KEYS": "one:" + rig.secrets[0]])
            #expect(keys.code == 78 && keys.log.contains("security.encryptionKeys") && !keys.log.contains(rig.secrets[0]))
            let word = try await rig.command("wroker")
            #expect(word.code == 64 && word.log.contains("did you mean worker?"))
            let queue = try await rig.command("worker", "nosuchqueue")
            #expect(queue.code == 64 && queue.log.contains("nosuchqueue"))
            let near = try await rig.command("worker", "purchse")
            #expect(near.code == 64 && near.log.contains("did you mean purchase?"))
            let option = try await rig.command("jobs", "list", "--stat", "dead")
            #expect(option.code == 64 && option.log.contains("did you mean --state?"))
        }
    }

    @Test func `a mistake in a definition folder is named with its file and field`() async throws {
        try await SystemRig.run { rig in
            let folder = try TemporaryFolder()
            for name in ["jobs", "queues"] { try folder.folder(name) }
            try folder.write(
                "jobs/plan.purchase.json",
                """
                {"kind": "plan.purchase", "summary": "Buys.", "handler": "PlanPurchaseJob", "style": "atomic", "queue": "purchase", "maxAttempts": 0,
                 "timeout": "30s", "retention": "1d", "payload": {"type": "object"}, "example": {}}
                """)
            try folder.write("queues/purchase.json", "{\"queue\": \"purchase\", \"summary\": \"Purchases.\", \"prefetsch\": 3}")
            for words in [["config", "check"], ["worker"]] {
                let process = try rig.start(words, with: ["MILLRACE_DEFINITIONS_DIRECTORY": folder.path])
                #expect(try await process.end() == .code(78))
                for part in ["plan.purchase.json", "maxAttempts", "purchase.json", "prefetsch"] {
                    #expect(process.log.contains(part), "\(part) is missing in \(process.log)")
                }
            }
            let missing = try await rig.command("worker", with: ["MILLRACE_DEFINITIONS_DIRECTORY": folder.path + "/nowhere"])
            #expect(missing.code == 78 && missing.log.contains("nowhere"))
        }
    }

    @Test(.database) func `an empty database is migrated once, and roles say that they need it`() async throws {
        try await SystemRig.run { rig in
            let pending = try await rig.command("migrate", "--pending")
            #expect(pending.code == 0 && !pending.output.isEmpty)
            let first = try await rig.command("migrate")
            #expect(first.code == 0 && first.output.contains("Applied"))
            let second = try await rig.command("migrate")
            #expect(second.code == 0 && second.output.contains("up to date"))
            let made = try await rig.command("user", "create", "admin")
            #expect(made.code == 0 && made.output.contains("admin"))
            let again = try await rig.command("user", "create", "admin")
            #expect(again.code == 1)
            let reset = try await rig.command("user", "reset-password", "admin")
            #expect(reset.code == 0)
            let nobody = try await rig.command("user", "reset-password", "nobody")
            #expect(nobody.code == 2)
        }
    }

    @Test func `commands say when the database or the broker is not there`() async throws {
        try await SystemRig.run { rig in
            let nowhere = FreePort.take()
            let database = try await rig.command("jobs", "list", with: ["MILLRACE_DATABASE_URL": "postgresql://ann:geheim17@127.0.0.1:\(nowhere)/x"])
            #expect(database.code == 69 && database.log.contains("database") && !database.log.contains("geheim17"))
            let broker = try await rig.command("queues", "diff", with: ["MILLRACE_AMQP_URL": "amqp://ann:geheim17@127.0.0.1:\(nowhere)/"])
            #expect(broker.code == 69 && broker.log.contains("broker") && !broker.log.contains("geheim17"))
        }
    }
}
