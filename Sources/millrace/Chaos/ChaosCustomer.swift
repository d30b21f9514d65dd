internal import Business
internal import Bytes
internal import HTTPClient
internal import JSON
internal import Synchronization

/// A reseller's program: it checks prices, buys and extends, over HTTP, and says the same under the same key until it has an answer.
struct ChaosCustomer: Sendable {
    let number: Int
    let client: DemoClient
    let book: ChaosBook
    /// The load ends: what was begun is still brought to its end.
    let isOver: @Sendable () -> Bool
    /// Nobody waits any longer.
    let isGivenUp: @Sendable () -> Bool

    /// Refusals that an order may meet in a run.
    private static let refusals: Set<String> = [
        "insufficient_balance", "price_check_expired", "plan_not_extendable", "not_found",
    ]

    struct GivenUp: Error {}

    @concurrent func trade() async {
        var session = client
        var turn = 0
        while !isOver() {
            turn += 1
            do {
                if turn.isMultiple(of: 3), let plan = book.somePlan(of: number) {
                    try await order("/plans/\(plan)/extend", isExtension: true, plan: plan, ["quantity": 2], &session)
                } else {
                    try await order("/plans", isExtension: false, plan: nil, ["product": .string(ChaosMarket.product), "quantity": 3], &session)
                }
            } catch {
                return
            }
            // A program that asks as fast as it can is another test's.
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    private func order(_ path: String, isExtension: Bool, plan: String?, _ wanted: JSONValue, _ session: inout DemoClient) async throws {
        let check = try await insist(path + "/check-price", wanted, &session)
        guard check.status == 200, let checkID = check.body["id"]?.string, let price = Money(check.body["price"]?.string ?? "") else {
            // A plan that is not delivered yet cannot be extended.
            if !isExtension || check.body["code"]?.string != "plan_not_extendable" { note(path + "/check-price", check) }
            return
        }
        let answer = try await insist(path, ["priceCheckId": .string(checkID)], &session)
        if answer.status == 202, let planID = answer.body["plan"]?["id"]?.string, let jobID = answer.body["job"]?["id"]?.string {
            if let plan, plan != planID { book.noteOddity("an extension of \(plan) was answered with \(planID)") }
            book.accept(
                ChaosBook.Order(
                    reseller: number, checkID: checkID, planID: planID, jobID: jobID, price: price.micros, isExtension: isExtension))
        } else {
            book.refuse(checkID)
            if !Self.refusals.contains(answer.body["code"]?.string ?? "") { note(path, answer) }
        }
    }

    private func note(_ path: String, _ answer: DemoClient.Answer) { book.noteOddity("\(path) answered \(answer.status): \(answer.body.text)") }

    /// Until there is an answer that stays.
    private func insist(_ path: String, _ body: JSONValue, _ session: inout DemoClient) async throws -> DemoClient.Answer {
        let key = Identifier.next().description
        var tries = 0
        while true {
            if isGivenUp() { throw GivenUp() }
            book.count(repeated: tries > 0)
            tries += 1
            do {
                if session.token == nil { session = try await session.signedIn(ChaosMarket.username(number), ChaosMarket.password) }
                let answer = try await session.send(.post, path, body, key: key)
                if answer.status == 401 {
                    session.token = nil
                } else if answer.status < 500, answer.body["code"]?.string != "request_in_progress" {
                    return answer
                }
            } catch {
                // No answer: it may have happened, or not.
            }
            try? await Task.sleep(for: .milliseconds(min(20 * tries, 200)))
        }
    }
}
