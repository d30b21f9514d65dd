import Bytes
import JSON
import TestSupport
import Testing

@testable import API

/// Nobody sees another tenant.
///
/// The sweeps are made from the description, so a new operation is in them without being named.
@Suite(.database(.millrace)) struct IsolationTests {
    @Test func `another tenant's id is not found, wherever it can stand in a path`() async throws {
        try await APIRig.run { rig in
            let (north, south) = (try await rig.login("north"), try await rig.login("south"))
            let things = try await Belongings.make(north)
            let document = rig.contract.contract.document
            let sample = Sample(document: document)
            let rights = try await south.get("/auth/me")["permissions"]?.array ?? []
            var swept = 0
            for operation in rig.contract.contract.operations {
                let names = operation.pathParameters.map(\.name).filter(Belongings.parameters.contains)
                guard !names.isEmpty, operation.pathParameters.count == names.count else { continue }
                swept += 1
                let answer = try await south.send(operation, rig.path(of: operation) { things.id($0) }, sample.body(of: operation))
                // Who lacks the right is told so for every id, theirs or not.
                let permission = document["paths"]?[operation.paths[0]]?[operation.verb.lowercased()]?["x-permission"]
                if let permission, !rights.contains(permission), answer.code == "permission_denied" { continue }
                #expect(answer.status == 404, "\(operation.id): \(answer.json)")
                #expect(answer.code == "not_found", "\(operation.id)")
            }
            #expect(swept > 30)
            // And nothing of it has happened.
            let plan = try await north.get("/plans/" + things.id("planId").orThrow())
            #expect(plan["status"] == "active")
            #expect(try await north.get("/webhooks/" + things.id("webhookId").orThrow())["active"] == true)
            #expect(try await north.get("/balance")["balance"] == "98.60")
        }
    }

    @Test func `the owner finds all of it`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north")
            let things = try await Belongings.make(north)
            let document = rig.contract.contract.document
            let rights = try await north.get("/auth/me")["permissions"]?.array ?? []
            for operation in rig.contract.contract.operations where operation.verb == "GET" && operation.id != "streamEvents" {
                let names = operation.pathParameters.map(\.name)
                guard !names.isEmpty, names.allSatisfy(Belongings.parameters.contains) else { continue }
                let permission = document["paths"]?[operation.paths[0]]?["get"]?["x-permission"]
                if let permission, !rights.contains(permission) { continue }
                let answer = try await north.send(operation, rig.path(of: operation) { things.id($0) }, nil)
                #expect(answer.status == 200, "\(operation.id): \(answer.json)")
            }
        }
    }

    @Test func `another tenant's id in a query or a body shows nothing of theirs`() async throws {
        try await APIRig.run { rig in
            let (north, south) = (try await rig.login("north"), try await rig.login("south"))
            let things = try await Belongings.make(north)
            let document = rig.contract.contract.document
            let rights = try await south.get("/auth/me")["permissions"]?.array ?? []
            for operation in rig.contract.contract.operations where operation.verb == "GET" {
                let described = document["paths"]?[operation.paths[0]]?["get"]
                for parameter in (described?["parameters"]?.array ?? []).compactMap({ try? $0.resolved(in: document) })
                where parameter["in"] == "query" {
                    guard let name = parameter["name"]?.string, let reference = parameter["schema"]?["$ref"]?.string, reference.hasSuffix("Id") else {
                        continue
                    }
                    let id = things.id(name) ?? (name == "parentId" ? things.id("accountId") : name == "actorId" ? things.id("userId") : nil)
                    guard let id else { continue }
                    let path = rig.path(of: operation) { _ in nil }
                    let answer = try await south.get("\(path)?\(name)=\(id)")
                    if let permission = described?["x-permission"], !rights.contains(permission), answer.code == "permission_denied" { continue }
                    if answer.status == 200 {
                        #expect(answer["data"]?.array?.isEmpty == true, "\(operation.id) \(name): \(answer.json)")
                    } else {
                        #expect(answer.status == 404, "\(operation.id) \(name): \(answer.json)")
                    }
                }
            }
            for (path, body) in [
                ("/resellers", ["name": "x", "parentId": .string(try things.id("accountId").orThrow())] as JSONValue),
                ("/users", ["username": "spy", "password": "long enough 1", "accountId": .string(try things.id("accountId").orThrow())]),
                ("/resellers", ["name": "x", "permissionGroupId": .string(try things.id("groupId").orThrow())]),
                ("/plans/check-price", ["product": "residential", "quantity": 1, "accountId": .string(try things.id("accountId").orThrow())]),
                ("/plans/check-price", ["planId": .string(try things.id("planId").orThrow()), "quantity": 1]),
            ] {
                let answer = try await south.post(path, body)
                #expect(answer.status == 404, "\(path) \(body): \(answer.json)")
            }
        }
    }

    @Test func `lists hold one's own subtree and nothing beside or above`() async throws {
        try await APIRig.run { rig in
            let (north, south) = (try await rig.login("north"), try await rig.login("south"))
            _ = try await Belongings.make(north)
            let mine = [rig.world.south.text("acct")]
            for path in [
                "/resellers", "/users", "/permission-groups", "/api-keys", "/plans", "/webhooks", "/jobs", "/audit-log", "/balance/transactions",
                "/upstream-requests",
            ] {
                let answer = try await south.get(path + "?limit=200".prefix(path == "/api-keys" ? 0 : 10))
                #expect(answer.status == 200, "\(path)")
                for item in answer["data"]?.array ?? [] {
                    #expect(mine.contains(item["accountId"]?.string ?? item["id"]?.string ?? ""), "\(path): \(item)")
                }
            }
            let above = try await rig.login("north-east").get("/resellers/" + rig.world.north.text("acct"))
            #expect(above.status == 404)
        }
    }

    @Test func `without a permission nothing that needs one is done`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north")
            let things = try await Belongings.make(north)
            let made = try await north.post("/api-keys", ["name": "powerless", "permissions": []])
            let powerless = rig.nobody.with("X-API-Key", try #require(made["key"]?.string))
            let document = rig.contract.contract.document
            let sample = Sample(document: document)
            for operation in rig.contract.contract.operations {
                let described = document["paths"]?[operation.paths[0]]?[operation.verb.lowercased()]
                guard described?["x-permission"] != nil else { continue }
                let query = operation.queryParameters.filter(\.isRequired).map { "\($0.name)=\(things.id($0.name) ?? "")" }.joined(separator: "&")
                let path = rig.path(of: operation) { things.id($0) } + (query.isEmpty ? "" : "?" + query)
                let answer = try await powerless.send(operation, path, sample.body(of: operation))
                // A thing may be looked for before the right to it is asked for; what one owns is there.
                #expect(answer.status == 403 || answer.status == 404, "\(operation.id): \(answer.status) \(answer.json)")
                #expect(
                    answer.code == "permission_denied" || answer.status == 404 || answer.code == "password_login_required",
                    "\(operation.id): \(answer.json)")
            }
        }
    }
}
