import Business
import Bytes
import Glibc
import JSON
import TestSupport
import Testing

/// The main job over four processes, from the outside.
@Suite(.database(.millrace), .serialized, .tellingLogs, .timeLimit(.minutes(3)))
struct MainJobTests {
    @Test func `a purchase goes through four processes and no log holds a secret`() async throws {
        try await SystemRig.run(with: ["MILLRACE_LOG_LEVEL": "trace"]) { rig in
            try await WebhookSink.run { sink in
                let market = try await Market.open(rig)
                let roles = try ["relay", "scheduler", "worker", "api"].map { try rig.start($0) }
                var secrets = rig.secrets + [Market.password]

                let login = try await Customer.enters(rig)
                let made = try await login.post("/api-keys", ["name": "Shop"], expecting: 201)
                let apiKey = try #require(made["key"]?.string, "\(made.text)")
                let endpoint = try await login.post("/webhooks", ["url": .string(sink.url), "events": ["plan.purchased"]], expecting: 201)
                let webhookSecret = try #require(endpoint["secret"]?.string)
                secrets += [login.token, apiKey, webhookSecret]

                let customer = login.with(apiKey: apiKey)
                let purchase = try await customer.buys()
                try await eventually("the job is completed") {
                    try await customer.get("/jobs/\(purchase.jobID)")["state"]?.string == "completed"
                }
                let plan = try await customer.get("/plans/\(purchase.planID)")
                #expect(plan["status"]?.string == "active")
                let credentials = try await customer.get("/plans/\(purchase.planID)/credentials")
                let password = try #require(credentials["password"]?.string)
                secrets.append(password)
                let entry = try await customer.get("/balance/transactions?type=purchase")["data"]?[0]
                #expect(entry?["amount"]?.string == "-2.10")
                let balance = try await customer.get("/balance")
                #expect(balance["balance"]?.string == "997.90")
                let audit = try await customer.get("/audit-log?action=plan.purchased")["data"]?[0]
                #expect(audit?["resourceId"]?.string == purchase.planID)

                try await eventually("the webhook comes") { !sink.received.isEmpty }
                let event = try #require(sink.received.first)
                #expect(event.planID == purchase.planID)
                try await verify(event, secret: webhookSecret, rig)
                try await market.settles(purchases: 1)

                for role in roles { role.signal(SIGTERM) }
                for role in roles { #expect(try await role.end() == .code(0), "\(role.name)") }
                for role in roles {
                    let log = role.log + role.output
                    #expect(log.contains("stopped"))
                    for (number, secret) in secrets.enumerated() { #expect(!log.contains(secret), "\(role.name) says secret \(number)") }
                }
            }
        }
    }

    /// With the reference library of Standard Webhooks; and a body with one bit changed is refused by it.
    private func verify(_ event: WebhookSink.Received, secret: String, _ rig: SystemRig) async throws {
        let python = try TestServers.python()
        var changed = event.body
        changed[changed.count / 2] ^= 1
        for (body, verdict) in [(event.body, "accepted"), (changed, "refused")] {
            let fields = [("id", event.id), ("timestamp", event.timestamp), ("signature", event.signature)].map { "webhook-\($0):\($1)" }
            let verifier = try rig.foreign(
                python,
                [SystemRig.repository + "/Tests/SystemTests/Foreign/verify_webhook.py", "standardwebhooks", secret, Hex.encode(body)] + fields)
            #expect(try await verifier.end() == .code(0))
            #expect(verifier.output.hasPrefix(verdict), "\(verifier.output)")
        }
    }

    @Test func `the tour runs against the platform in one process, twice`() async throws {
        try await SystemRig.run { rig in
            let folder = try TemporaryFolder()
            let up = try rig.start("up")
            try await Customer(of: rig).waits()
            for _ in 0..<2 {
                let demo = try await rig.command("demo", "--state", folder.path, within: .seconds(60))
                #expect(demo.code == 0, "\(demo.log)")
                for step in ["202 Accepted", "wallet entry: purchase", "audit row: plan.purchased", "signature verified", "402 insufficient_balance"]
                {
                    #expect(demo.output.contains(step), "\(step) is missing in \(demo.output)")
                }
            }
            up.signal(SIGTERM)
            #expect(try await up.end() == .code(0))
        }
    }
}
