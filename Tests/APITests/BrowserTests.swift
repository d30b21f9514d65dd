import HTTPClient
import JSON
import TestSupport
import Testing

@testable import API

/// Requests that browsers make on behalf of pages.
@Suite(.database(.millrace)) struct BrowserTests {
    @Test func `a change with the cookie must come from our own page`() async throws {
        try await APIRig.run { rig in
            let browser = try await rig.browser("north")
            let cookie = try #require(browser.headers.first { $0.0 == "Cookie" })
            let bare = rig.nobody.with(cookie.0, cookie.1)
            let change: JSONValue = ["name": "North"]
            #expect(try await browser.patch("/account", change).status == 200)
            #expect(try await bare.with("Referer", "http://127.0.0.1:\(rig.port)/settings?tab=1").patch("/account", change).status == 200)
            for foreign in [
                bare, bare.with("Origin", "https://evil.example"), bare.with("Origin", "null"),
                bare.with("Referer", "https://evil.example/127.0.0.1"),
                bare.with("Origin", "http://127.0.0.1:1"), bare.with("Origin", "http://127.0.0.1:\(rig.port)@evil.example"),
                bare.with("Origin", "https://evil.example").with("Referer", "http://127.0.0.1:\(rig.port)/"),
            ] {
                let answer = try await foreign.patch("/account", ["name": "Stolen"])
                #expect(answer.status == 403)
                #expect(answer.code == "origin_not_allowed")
            }
            #expect(try await browser.get("/account")["name"] == "North")
            // Reading needs no origin: what it shows, another page's script cannot read.
            #expect(try await bare.with("Origin", "https://evil.example").get("/account").status == 200)
        }
    }

    @Test func `tokens and keys are not affected by where a request comes from`() async throws {
        try await APIRig.run { rig in
            let north = try await rig.login("north")
            #expect(try await north.with("Origin", "https://anywhere.example").patch("/account", ["name": "N"]).status == 200)
            #expect(try await north.patch("/account", ["name": "M"]).status == 200)
            let cookie = try #require(try await rig.browser("north").headers.first { $0.0 == "Cookie" })
            #expect(try await north.with(cookie.0, cookie.1).patch("/account", ["name": "O"]).code == "origin_not_allowed")
        }
    }

    @Test func `another site's page cannot log somebody in`() async throws {
        try await APIRig.run { rig in
            let answer = try await rig.nobody.with("Origin", "https://evil.example").post(
                "/auth/login", ["username": "north", "password": .string(rig.world.password), "cookie": true])
            #expect(answer.status == 403)
            #expect(answer.code == "origin_not_allowed")
            #expect(answer.header("Set-Cookie") == nil)
        }
    }

    @Test func `a named origin may call, and its scripts may read`() async throws {
        try await APIRig.run(settings: { $0.origins = ["https://shop.example.org"] }) { rig in
            let cookie = try #require(try await rig.browser("north").headers.first { $0.0 == "Cookie" })
            let shop = rig.nobody.with(cookie.0, cookie.1).with("Origin", "https://shop.example.org")
            let answer = try await shop.patch("/account", ["name": "North"])
            #expect(answer.status == 200)
            #expect(answer.header("Access-Control-Allow-Origin") == "https://shop.example.org")
            #expect(answer.header("Access-Control-Allow-Credentials") == "true")
            #expect(answer.header("Access-Control-Expose-Headers")?.contains("Idempotent-Replayed") == true)
            let preflight = try await rig.nobody.with("Origin", "https://shop.example.org").with("Access-Control-Request-Method", "PATCH").send(
                .options, "/account")
            #expect(preflight.status == 204)
            #expect(preflight.header("Access-Control-Allow-Methods")?.contains("PATCH") == true)
            let stranger = try await rig.nobody.with("Origin", "https://evil.example").with("Access-Control-Request-Method", "PATCH").send(
                .options, "/account")
            #expect(stranger.header("Access-Control-Allow-Origin") == nil)
        }
    }

    @Test func `the public URL decides when it is known`() async throws {
        try await APIRig.run(settings: { $0.publicURL = "https://panel.example.org/start" }) { rig in
            let cookie = try await rig.nobody.with("Origin", "https://panel.example.org").post(
                "/auth/login", ["username": "north", "password": .string(rig.world.password), "cookie": true]
            ).header("Set-Cookie").orThrow().split(separator: ";")[0]
            let browser = rig.nobody.with("Cookie", String(cookie))
            #expect(try await browser.with("Origin", "https://panel.example.org:443").patch("/account", ["name": "N"]).status == 200)
            #expect(try await browser.with("Origin", "http://panel.example.org").patch("/account", ["name": "N"]).status == 403)
            #expect(try await browser.with("Origin", "http://127.0.0.1:\(rig.port)").patch("/account", ["name": "N"]).status == 403)
        }
    }
}
