import Bytes
import HTTPClient
import HTTPServer
import JSON
import Postgres
import TestSupport
import Testing

@testable import API

/// Who may come in.
@Suite(.database(.millrace)) struct LoginTests {
    @Test func `a login with a password gives a token that says who one is`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north")
            let me = try await north.get("/auth/me")
            #expect(me.status == 200)
            #expect(me["user"]?["username"] == "north")
            #expect(me["account"]?["id"]?.string == rig.world.north.text("acct"))
            #expect(me["permissions"]?.array?.contains("plans.purchase") == true)
            #expect(me.header("X-Request-Id") != nil)
            #expect(me.header("X-Content-Type-Options") == "nosniff")
            #expect(me.header("Cache-Control") == "no-store")
            let same = try await north.get("/api/auth/me")
            #expect(same.json["user"] == me.json["user"])
        }
    }

    @Test func `a wrong password, a wrong name and an unknown key are told alike`() async throws {
        try await APIRig.run { rig in
            let password = try await rig.nobody.post("/auth/login", ["username": "north", "password": "wrong wrong wrong"])
            let name = try await rig.nobody.post("/auth/login", ["username": "nobody", "password": "wrong wrong wrong"])
            let key = try await rig.nobody.post("/auth/login", ["apiKey": "mr_live_0000000000000000000000000000000000000000000"])
            for answer in [password, name, key] {
                #expect(answer.status == 401)
                #expect(answer.code == "invalid_credentials")
                #expect(answer["detail"] == password["detail"])
                #expect(answer.header("WWW-Authenticate") == "Bearer")
            }
            let refused = try await rig.count("select count(*)::int from audit_log where action = 'session.refuse'")
            #expect(refused == 1)
        }
    }

    @Test func `a browser gets a cookie that scripts cannot read, and no token`() async throws {
        try await APIRig.run { rig in
            let answer = try await rig.nobody.post(
                "/auth/login", ["username": "north", "password": .string(rig.world.password), "cookie": true])
            let cookie = try #require(answer.header("Set-Cookie"))
            #expect(cookie.hasPrefix("millrace_session=mr_session_"))
            for flag in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] { #expect(cookie.contains(flag)) }
            #expect(answer["token"] == nil)
            let browser = try await rig.browser("north")
            #expect(try await browser.get("/auth/me").status == 200)
        }
    }

    @Test func `logging out ends token and cookie at once`() async throws {
        try await APIRig.run { rig in
            for somebody in [try await rig.login("north"), try await rig.browser("north")] {
                #expect(try await somebody.post("/auth/logout").status == 204)
                let after = try await somebody.get("/auth/me")
                #expect(after.status == 401)
                #expect(after.code == "session_revoked")
            }
        }
    }

    @Test func `nobody comes in without credentials, wherever`() async throws {
        try await APIRig.run { rig in
            let sample = Sample(document: rig.contract.contract.document)
            for operation in rig.contract.contract.operations where !operation.isPublic {
                let answer = try await rig.nobody.send(operation, rig.path(of: operation) { _ in nil }, sample.body(of: operation))
                #expect(answer.status == 401, "\(operation.id)")
                #expect(answer.code == "authentication_required", "\(operation.id)")
            }
        }
    }

    @Test func `tokens that are forged, ended, or no tokens are refused`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north")
            let token = try #require(north.headers.first?.1)
            for forged in [token + "x", token.dropLast(3) + "abc", "Bearer eyJhbGciOiJub25lIn0.e30.", "Bearer x", "Basic bm9ydGg6eA==", "Bearer"] {
                let answer = try await rig.nobody.with("Authorization", String(forged)).get("/auth/me")
                #expect(answer.status == 401)
                #expect(answer.code == "invalid_credentials", "\(forged)")
            }
            _ = try await rig.act { connection, _ in try connection.run(.once("update sessions set expires_at = now() - interval '1 s'")).affected }
            #expect(try await north.get("/auth/me").code == "session_expired")
        }
    }

    @Test func `an API key comes in by either header, until it is deleted`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north")
            let made = try await north.post("/api-keys", ["name": "shop", "permissions": ["plans.view", "api_keys.view"]])
            #expect(made.status == 201)
            let key = try #require(made["key"]?.string)
            let id = try #require(made["apiKey"]?["id"]?.string)
            #expect(made.header("Location") == "/api/v1/api-keys/" + id)
            let byBearer = rig.nobody.with("Authorization", "Bearer " + key)
            let byHeader = rig.nobody.with("X-API-Key", key)
            #expect(try await byBearer.get("/plans").status == 200)
            #expect(try await byHeader.get("/plans").status == 200)
            #expect(try await byHeader.get("/balance").code == "permission_denied")
            #expect(try await byHeader.post("/auth/logout").code == "no_session")
            #expect(try await byHeader.get("/api-keys/" + id)["prefix"]?.string == String(key.prefix(16)))
            #expect(try await north.delete("/api-keys/" + id).status == 204)
            let after = try await byHeader.get("/plans")
            #expect(after.status == 401)
            #expect(after.code == "api_key_revoked")
        }
    }

    @Test func `an API key opens a browser's session that ends with the key`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north")
            let made = try await north.post("/api-keys", ["name": "dashboard"])
            let (key, id) = (try #require(made["key"]?.string), try #require(made["apiKey"]?["id"]?.string))
            let answer = try await rig.nobody.post("/auth/login", ["apiKey": .string(key)])
            #expect(answer["session"]?["kind"] == "key")
            let cookie = try #require(answer.header("Set-Cookie")?.split(separator: ";").first.map(String.init))
            let browser = rig.nobody.with("Cookie", cookie).with("Origin", "http://127.0.0.1:\(rig.port)")
            #expect(try await browser.get("/balance").status == 200)
            #expect(try await browser.post("/api-keys", ["name": "another"]).code == "password_login_required")
            _ = try await north.delete("/api-keys/" + id)
            #expect(try await browser.get("/balance").status == 401)
        }
    }

    @Test func `a deactivated reseller is out at once, with everybody below`() async throws {
        try await APIRig.run { rig in
            let admin = try await rig.login("admin")
            let (north, below) = (try await rig.login("north"), try await rig.login("north-east"))
            let path = "/resellers/" + rig.world.north.text("acct")
            #expect(try await admin.post(path + "/deactivate")["active"] == false)
            for somebody in [north, below] {
                let answer = try await somebody.get("/auth/me")
                #expect(answer.code == "session_revoked" || answer.code == "account_deactivated")
            }
            let login = try await rig.nobody.post("/auth/login", ["username": "north-east", "password": .string(rig.world.password)])
            #expect(login.status == 403)
            #expect(login.code == "account_deactivated")
            #expect(try await admin.post(path + "/activate")["active"] == true)
            #expect(try await rig.login("north").get("/auth/me").status == 200)
        }
    }

    @Test func `a login from an address that is not allowed is refused`() async throws {
        try await APIRig.run { rig in
            let admin = try await rig.login("admin")
            _ = try await admin.patch("/resellers/" + rig.world.north.text("acct"), ["allowedIps": ["203.0.113.0/24"]])
            let login = try await rig.nobody.post("/auth/login", ["username": "north", "password": .string(rig.world.password)])
            #expect(login.status == 403)
            #expect(login.code == "address_not_allowed")
        }
    }

    @Test func `a new password ends the other sessions, and a wrong current one changes nothing`() async throws {
        try await APIRig.run { rig in
            let (here, there) = (try await rig.login("north"), try await rig.login("north"))
            let wrong = try await here.put("/auth/password", ["currentPassword": "not this one", "newPassword": "another password"])
            #expect(wrong.status == 401)
            let weak = try await here.put("/auth/password", ["currentPassword": .string(rig.world.password), "newPassword": "aaaaaaaaaa"])
            #expect(weak.code == "weak_password")
            #expect(weak["field"] == "/newPassword")
            let done = try await here.put("/auth/password", ["currentPassword": .string(rig.world.password), "newPassword": "another password"])
            #expect(done.status == 204)
            #expect(try await here.get("/auth/me").status == 200)
            #expect(try await there.get("/auth/me").code == "session_revoked")
            let login = try await rig.nobody.post("/auth/login", ["username": "north", "password": "another password"])
            #expect(login.status == 200)
        }
    }

    @Test func `sessions are listed, and ended one by one or all others at once`() async throws {
        try await APIRig.run { rig in
            let here = try await rig.login("north")
            let there = try await rig.login("north")
            let list = try await here.get("/auth/sessions?limit=1")
            #expect(list["data"]?.array?.count == 1)
            let cursor = try #require(list["nextCursor"]?.string)
            let rest = try await here.get("/auth/sessions?limit=1&cursor=" + cursor)
            #expect(rest["data"]?.array?.count == 1)
            #expect(rest["nextCursor"] == .null)
            let id = try #require(try await there.get("/auth/me")["session"]?["id"]?.string)
            #expect(try await here.delete("/auth/sessions/" + id).status == 204)
            #expect(try await here.delete("/auth/sessions/" + id).status == 404)
            let third = try await rig.login("north")
            #expect(try await here.delete("/auth/sessions").status == 204)
            #expect(try await third.get("/auth/me").status == 401)
        }
    }
}
