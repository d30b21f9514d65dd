internal import Bytes
internal import Crypto
internal import HTTPClient
internal import JSON

/// The main job as a reseller lives it: price check, purchase, job, plan, entry, audit, webhook; an extension; a purchase that is not covered.
struct DemoTour: Sendable {
    let client: DemoClient
    let adminPassword: String
    let resellerPassword: String
    let story: Story

    private static let product = "residential-lite"

    func run() async throws {
        story.chapter("Demo data")
        let admin = try await client.signedIn(DemoSecrets.admin, adminPassword)
        story.step("the admin is logged in")
        try await ensureProducts(admin)
        try await ensureReseller(admin)
        let reseller = try await client.signedIn(DemoSecrets.reseller, resellerPassword)
        story.step("the reseller is logged in, balance \(try await balance(reseller))")

        let receiver = DemoReceiver()
        let url = try receiver.start()
        let endpoint = try await reseller.post("/webhooks", ["url": .string(url), "events": ["*"], "description": "demo"], expecting: 201)
        receiver.trust(try WebhookSecret(text(endpoint, "secret")))
        story.step("a webhook endpoint listens on \(url)")
        do {
            let plan = try await purchase(reseller, receiver)
            try await extend(plan, reseller, receiver)
            try await uncovered(reseller)
        } catch {
            await receiver.stop()
            throw error
        }
        _ = try await reseller.send(.delete, "/webhooks/\(text(endpoint["webhook"] ?? .null, "id"))", nil)
        await receiver.stop()
    }

    // MARK: - The main job

    private func purchase(_ reseller: DemoClient, _ receiver: DemoReceiver) async throws -> String {
        story.chapter("A purchase")
        let check = try await reseller.post(
            "/plans/check-price", ["product": .string(Self.product), "quantity": 3], expecting: 200)
        story.step("price check \(try text(check, "id")): \(try text(check, "price")) \(try text(check, "currency"))")
        let accepted = try await reseller.post(
            "/plans", ["priceCheckId": .string(text(check, "id")), "customerReference": "demo"], key: Identifier.next().description, expecting: 202)
        let job = try text(accepted["job"] ?? .null, "id")
        let plan = try text(accepted["plan"] ?? .null, "id")
        story.step("202 Accepted: \(job) for \(plan)")
        try await finish(job, reseller)
        let bought = try await reseller.get("/plans/\(plan)")
        let credentials = try await reseller.get("/plans/\(plan)/credentials")
        story.step("the plan is \(try text(bought, "status")), user \(try text(credentials, "username")), expires \(try text(bought, "expiresAt"))")
        try await showEntry(reseller, type: "purchase")
        try await showAudit(reseller, action: "plan.purchased")
        try await showEvent("plan.purchased", receiver)
        return plan
    }

    private func extend(_ plan: String, _ reseller: DemoClient, _ receiver: DemoReceiver) async throws {
        story.chapter("An extension")
        let check = try await reseller.post("/plans/\(plan)/extend/check-price", ["quantity": 1], expecting: 200)
        story.step("price check \(try text(check, "id")): \(try text(check, "price")) \(try text(check, "currency"))")
        let accepted = try await reseller.post(
            "/plans/\(plan)/extend", ["priceCheckId": .string(text(check, "id"))], key: Identifier.next().description, expecting: 202)
        let job = try text(accepted["job"] ?? .null, "id")
        story.step("202 Accepted: \(job)")
        try await finish(job, reseller)
        try await showEntry(reseller, type: "extension")
        try await showEvent("plan.extended", receiver)
    }

    private func uncovered(_ reseller: DemoClient) async throws {
        story.chapter("A purchase that the balance does not cover")
        let check = try await reseller.post("/plans/check-price", ["product": .string(Self.product), "quantity": 1000], expecting: 200)
        story.step("price check: \(try text(check, "price")), balance \(try await balance(reseller))")
        let answer = try await reseller.send(.post, "/plans", ["priceCheckId": .string(text(check, "id"))], key: Identifier.next().description)
        guard answer.status == 402 else { throw CommandFailure(.failure, "expected 402, the API answered \(answer.status): \(answer.body.text)") }
        story.step("402 \(answer.body["code"]?.string ?? ""): \(answer.body["detail"]?.string ?? "")")
        story.step("nothing was taken: balance \(try await balance(reseller))")
    }

    // MARK: - What each step shows

    private func finish(_ job: String, _ reseller: DemoClient) async throws {
        for _ in 0..<2000 {
            let state = try await reseller.get("/jobs/\(job)")
            switch try text(state, "state") {
            case "completed": return story.step("the worker completed it, attempt \(state["attempt"]?.int ?? 0)")
            case "dead", "cancelled": throw CommandFailure(.failure, "the job ended as \(state.text)")
            default: try await Task.sleep(for: .milliseconds(5))
            }
        }
        throw CommandFailure(.failure, "the job did not end within 10 s")
    }

    private func showEntry(_ reseller: DemoClient, type: String) async throws {
        let entries = try await reseller.get("/balance/transactions?type=\(type)&limit=1")
        guard let entry = entries["data"]?[0] else { throw CommandFailure(.failure, "there is no wallet entry of type \(type)") }
        story.step("wallet entry: \(try text(entry, "type")) \(try text(entry, "amount")), balance after \(try text(entry, "balanceAfter"))")
    }

    private func showAudit(_ reseller: DemoClient, action: String) async throws {
        let rows = try await reseller.get("/audit-log?action=\(action)&limit=1")
        guard let row = rows["data"]?[0] else { throw CommandFailure(.failure, "there is no audit row for \(action)") }
        story.step("audit row: \(try text(row, "action")) on \(row["resourceId"]?.string ?? "")")
    }

    private func showEvent(_ type: String, _ receiver: DemoReceiver) async throws {
        let event = try await receiver.wait(for: type)
        guard event.verified else { throw CommandFailure(.failure, "the signature of \(type) does not verify") }
        story.step("webhook received: \(type), \(event.id), signature verified")
    }

    // MARK: - Demo data

    private func ensureProducts(_ admin: DemoClient) async throws {
        let known = Set(try await admin.get("/products")["data"]?.array?.compactMap { $0["code"]?.string } ?? [])
        var made = 0
        for product in DemoProducts.all where !known.contains(product["code"]?.string ?? "") {
            _ = try await admin.post("/products", product, expecting: 201)
            made += 1
        }
        story.step("\(DemoProducts.all.count) products, \(made) of them new")
    }

    /// The reseller with its user; made once, topped up whenever it has less than the tour costs.
    private func ensureReseller(_ admin: DemoClient) async throws {
        let found = try await admin.get("/resellers?search=Demo%20Reseller&limit=1")["data"]?[0]
        let account: String
        if let found {
            account = try text(found, "id")
        } else {
            let made = try await admin.post(
                "/resellers",
                [
                    "name": "Demo Reseller", "type": "reseller", "currency": "USD",
                    "firstUser": ["username": .string(DemoSecrets.reseller), "password": .string(resellerPassword)],
                ], expecting: 201)
            account = try text(made, "id")
            story.step("reseller \(account) made")
        }
        _ = try await admin.post(
            "/resellers/\(account)/topup", ["amount": "25.00", "note": "Onboarding deposit"], key: Identifier.next().description, expecting: 201)
        story.step("topped up by 25.00")
    }

    private func balance(_ client: DemoClient) async throws -> String {
        let wallet = try await client.get("/balance")
        return "\(try text(wallet, "available")) \(try text(wallet, "currency"))"
    }

    private func text(_ value: JSONValue, _ key: String) throws -> String {
        guard let text = value[key]?.string else { throw CommandFailure(.failure, "the API's answer has no \"\(key)\": \(value.text)") }
        return text
    }
}
