import Bytes
import Faults
import HTTPClient
import HTTPServer
import JSON
import TestSupport
import Testing

@testable import API

/// What is wrong is said: with a stable code, the place, and a hint where there is one.
///
/// And nothing has happened.
@Suite(.database(.millrace)) struct BadInputTests {
    @Test func `malformed JSON is told with line and column`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north")
            let answer = try await north.send(
                .post, "/plans/check-price", bytes: Array("{\n  \"product\": \"residential\",\n  quantity: 1\n}".utf8), type: "application/json")
            #expect(answer.status == 400)
            #expect(answer.code == "malformed_json")
            #expect(answer["line"] == 3)
            #expect(answer["column"] == 3)
            for text in ["", "{", "{\"a\":1,\"a\":2}", "[1,]", "\u{FEFF}{}", "nul", "{\"a\":\"\\ud800\"}"] where !text.isEmpty {
                let answer = try await north.send(.post, "/plans/check-price", bytes: Array(text.utf8), type: "application/json")
                #expect(answer.code == "malformed_json", "\(text)")
            }
            let bytes: [UInt8] = [0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D]
            #expect(try await north.send(.post, "/plans/check-price", bytes: bytes, type: "application/json").code == "malformed_json")
            let deep = String(repeating: "[", count: 100_000)
            #expect(try await north.send(.post, "/plans/check-price", bytes: Array(deep.utf8), type: "application/json").code == "malformed_json")
        }
    }

    @Test func `an unknown field is refused, with the field that was probably meant`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north")
            let answer = try await north.post("/plans/check-price", ["product": "residential", "quantty": 1])
            #expect(answer.status == 422)
            #expect(answer.code == "validation_failed")
            let errors = try #require(answer["errors"]?.array)
            #expect(errors.contains { $0["field"] == "/quantity" && $0["code"] == "required" })
            let unknown = try #require(errors.first { $0["code"] == "unknown_field" })
            #expect(unknown["field"] == "/quantty")
            #expect(unknown["message"]?.string?.contains("did you mean \"quantity\"?") == true)
        }
    }

    @Test func `wrong types and bounds are all told at once, with their places`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north")
            let answer = try await north.post(
                "/plans/check-price", ["product": 7, "quantity": "ten", "period": "week", "options": ["country": "Germany", "city": "Berlin"]])
            let found = Set((answer["errors"]?.array ?? []).map { "\($0["field"]?.string ?? "") \($0["code"]?.string ?? "")" })
            #expect(
                found == [
                    "/product wrong_type", "/quantity wrong_type", "/period not_in_enum", "/options/country pattern_mismatch",
                    "/options/city unknown_field",
                ])
            #expect(answer["field"]?.string?.isEmpty == false)
            #expect(try await north.post("/plans/check-price", ["product": "residential", "quantity": 0]).code == "validation_failed")
            #expect(try await north.post("/plans/check-price", ["product": "residential", "quantity": 1_000_001]).code == "validation_failed")
            #expect(try await north.post("/plans/check-price", ["product": "residential", "quantity": 5000]).code == "quantity_out_of_range")
            #expect(try await north.post("/plans/check-price", [] as JSONValue).code == "validation_failed")
        }
    }

    @Test func `a body that is no JSON by its type, or is not there, or is too much`() async throws {
        try await APIRig.run(settings: { $0.server.maxBodyBytes = 4096 }) { rig in
            let north = try await rig.login("north")
            let form = try await north.send(.post, "/plans/check-price", bytes: Array("quantity=1".utf8), type: "application/x-www-form-urlencoded")
            #expect(form.status == 415)
            #expect(form.code == "unsupported_media_type")
            let untyped = try await north.send(.post, "/plans/check-price", bytes: Array("{}".utf8), type: nil)
            #expect(untyped.status == 415)
            let none = try await north.post("/plans/check-price")
            #expect(none.status == 400)
            #expect(none.code == "body_required")
            let large = try await north.post("/webhooks", ["url": .string(String(repeating: "x", count: 5000)), "events": ["*"]])
            #expect(large.status == 413)
            #expect(large.code == "body_too_large")
            let extra = try await north.post("/auth/logout", ["everywhere": true])
            #expect(extra.code == "validation_failed")
            let typed = try await north.send(
                .post, "/plans/check-price", bytes: Array("{\"product\":\"residential\",\"quantity\":1}".utf8),
                type: "application/json; charset=utf-8")
            #expect(typed.status == 200)
        }
    }

    @Test(arguments: [
        ("-5", "invalid_amount"), ("0", "invalid_amount"), ("999999999999", "invalid_amount"), ("1e9", "validation_failed"),
        ("5,00", "validation_failed"),
        ("0.0000001", "validation_failed"), ("", "validation_failed"), (" 5", "validation_failed"), ("NaN", "validation_failed"),
    ])
    func `negative and absurd amounts`(amount: String, code: String) async throws {
        try await APIRig.run { rig in
            let admin = try await rig.login("admin")
            for action in ["topup", "withdraw", "transfer"] {
                let answer = try await admin.post("/resellers/\(rig.world.north.text("acct"))/\(action)", ["amount": .string(amount)])
                #expect(answer.status == 422)
                #expect(answer.code == code, "\(action)")
                #expect(answer["field"] == "/amount")
            }
            #expect(try await admin.post("/resellers/\(rig.world.north.text("acct"))/topup", ["amount": 5]).code == "validation_failed")
            #expect(try await rig.count("select count(*)::int from wallet_entries") == 3)
        }
    }

    @Test func `query parameters are as strict`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north")
            for (query, parameter, code) in [
                ("limt=5", "limt", "unknown_parameter"), ("limit=0", "limit", "too_small"), ("limit=201", "limit", "too_large"),
                ("limit=ten", "limit", "wrong_type"), ("cursor=xyz", "cursor", "pattern_mismatch"), ("status=activ", "status", "not_in_enum"),
                ("limit=5&limit=6", "limit", "repeated_parameter"), ("expiringBefore=tomorrow", "expiringBefore", "bad_format"),
                ("search=", "search", "too_short"),
            ] {
                let answer = try await north.get("/plans?" + query)
                #expect(answer.status == 400, "\(query)")
                #expect(answer.code == "invalid_parameter", "\(query)")
                let mistake = answer["errors"]?.array?.first
                #expect(mistake?["parameter"]?.string == parameter, "\(query)")
                #expect(mistake?["code"]?.string == code, "\(query)")
            }
            let hint = try await north.get("/plans?limt=5")
            #expect(hint["detail"]?.string?.contains("did you mean \"limit\"?") == true)
            #expect(try await north.get("/proxies/connection-info").code == "invalid_parameter")
            #expect(try await north.get("/plans?search=%00").status == 400)
            #expect(try await north.get("/plans?search=%zz").status == 400)
        }
    }

    @Test func `identifiers that are none are not found`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north")
            for id in [
                "1", "plan_1", "job_0192f0c1d2e37abc8def0123456789ab", "plan_0192F0C1D2E37ABC8DEF0123456789AB",
                "plan_0192f0c1d2e37abc8def0123456789ab",
                "%27%20or%201=1", "..%2f..", "plan_0192f0c1-d2e3-7abc-8def-0123456789ab",
            ] {
                let answer = try await north.get("/plans/" + id)
                #expect(answer.status == 404, "\(id)")
                #expect(answer.code == "not_found", "\(id)")
            }
        }
    }

    @Test func `texts with a NUL do not reach the database`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north")
            let answer = try await north.patch("/account", ["name": "a\u{0}b"])
            #expect(answer.status == 422)
            #expect(answer["field"] == "/name")
        }
    }

    @Test func `paths and methods that there are not`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north")
            let path = try await north.get("/plan")
            #expect(path.status == 404)
            #expect(path.code == "not_found")
            let method = try await north.delete("/plans")
            #expect(method.status == 405)
            #expect(method.code == "method_not_allowed")
            #expect(method.header("Allow") == "GET, HEAD, OPTIONS, POST")
            #expect(path.header("X-Content-Type-Options") == "nosniff")
        }
    }

    @Test(arguments: [
        "http://127.0.0.1/hook", "https://10.0.0.5/hook", "https://[::1]/hook", "https://169.254.169.254/latest/meta-data", "https://localhost/hook",
        "ftp://example.org/hook", "https://user:secret@example.org/", "https://0x7f.1/hook", "https://192.168.1.1:8443/x",
        "https://[::ffff:10.0.0.1]/",
    ])
    func `a webhook's URL that leads inside is refused at creation and at change`(url: String) async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north")
            let answer = try await north.post("/webhooks", ["url": .string(url), "events": ["*"]])
            #expect(answer.status == 422)
            #expect(answer.code == "url_not_allowed")
            #expect(answer["field"] == "/url")
            let made = try await north.post("/webhooks", ["url": "https://93.184.215.14/hook", "events": ["*"]])
            let path = "/webhooks/" + (try #require(made["webhook"]?["id"]?.string))
            #expect(try await north.patch(path, ["url": .string(url)]).code == "url_not_allowed")
            #expect(try await north.put(path, ["url": .string(url), "events": ["*"]]).code == "url_not_allowed")
            #expect(try await north.get(path)["url"] == "https://93.184.215.14/hook")
        }
    }

    @Test func `a problem is a whole document`() async throws {
        try await APIRig.run { rig in
            let answer = try await rig.login("north").get("/plans/plan_0192f0c1d2e37abc8def0123456789ab")
            #expect(answer.header("Content-Type") == "application/problem+json")
            #expect(answer["type"] == "/docs#not_found")
            #expect(answer["status"] == 404)
            #expect(answer["title"]?.string?.isEmpty == false)
            #expect(answer["detail"] == "There is no such plan.")
            let id = try #require(answer["requestId"]?.string)
            #expect(id.hasPrefix("req_"))
            #expect(Identifier(id, prefix: "req")?.description == answer.header("X-Request-Id") || id == answer.header("X-Request-Id"))
        }
    }

    @Test func `whatever is sent is answered as documented, and never with 5xx`() async throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        var requests: [(ContractOperation, JSONValue?)] = []
        let contract = TestContract.shared.contract
        let sample = Sample(document: contract.document)
        for operation in contract.operations where operation.id != "streamEvents" && operation.id != "logout" && operation.id != "login" {
            for _ in 0..<6 { requests.append((operation, try sample.body(of: operation).map { Mutation.of($0, &random) })) }
        }
        try await APIRig.run { rig in
            let admin = try await rig.login("admin")
            let north = try await rig.login("north")
            let things = try await Belongings.make(north)
            for (index, (operation, body)) in requests.enumerated() {
                // Those that would lock the callers themselves out.
                if ["changePassword", "revokeOtherSessions", "deactivateReseller", "deleteReseller"].contains(operation.id) { continue }
                let caller = index.isMultiple(of: 2) ? admin : north
                let answer = try await caller.send(operation, rig.path(of: operation) { things.id($0) }, body)
                #expect(answer.status < 500, "\(operation.id) \(body ?? .null): \(answer.json), seed \(seed)")
            }
        }
    }
}

/// A body with something else in one place.
enum Mutation {
    static func of(_ value: JSONValue, _ random: inout SeededGenerator) -> JSONValue {
        if case .object(let object) = value, let member = object.members.randomElement(using: &random), Int.random(in: 0..<10, using: &random) > 0 {
            var changed = object
            if Int.random(in: 0..<12, using: &random) == 0 {
                changed[member.key] = nil
            } else {
                changed[member.key] = of(member.value, &random)
            }
            return .object(changed)
        }
        if case .array(let elements) = value, !elements.isEmpty, Bool.random(using: &random) { return .array(elements + [of(elements[0], &random)]) }
        let strange: [JSONValue] = [
            .null, true, -1, 0, 9_223_372_036_854_775_807, 2_147_483_648, 1e300, "", "0", "-0.000001", "999999999999.999999", "a", "é\u{1F980}",
            "' or 1=1 --", "%", "\\", "\u{7F}", .string(String(repeating: "x", count: 3000)), [], ["a", "a"], .object(JSONObject()), ["a": ["b": 1]],
            "2027-01-31T12:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "plan_0192f0c1d2e37abc8def0123456789ab", "*", "203.0.113.7/8",
        ]
        return strange.randomElement(using: &random) ?? .null
    }
}
