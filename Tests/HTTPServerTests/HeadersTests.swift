internal import HTTPServer
internal import JSON
internal import Testing

struct HeadersTests {
    @Test func `names compare without case and values repeat`() {
        var headers: Headers = ["Content-Type": "a", "X-Tag": "1, 2"]
        headers.add("x-tag", " 3 ,")
        #expect(headers["CONTENT-TYPE"] == "a")
        #expect(headers.all("X-TAG") == ["1, 2", " 3 ,"])
        #expect(headers.list("x-Tag") == ["1", "2", "3"])
        headers["x-tAG"] = "4"
        #expect(headers.all("X-Tag") == ["4"])
        headers["X-Tag"] = nil
        #expect(!headers.contains("X-Tag"))
    }

    @Test func `cookies are read, and written carefully`() throws {
        var request = try #require(Request(.get, "/"))
        request.headers.add("Cookie", "a=1; session=abc=def; q=\"x y\"")
        request.headers.add("Cookie", "a=2;broken")
        #expect(request.cookies["a"] == "1")
        #expect(request.cookies["session"] == "abc=def")
        #expect(request.cookies["q"] == "x y")
        #expect(request.cookies["broken"] == nil)
        #expect(Cookie("s", "v", maxAge: 60).text == "s=v; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax")
    }

    @Test func `a problem is a document with a stable code`() throws {
        var extra = JSONObject()
        extra["balance"] = .int(5)
        extra["status"] = .int(1)
        let problem = Problem(
            402, "insufficient_balance", "Not \"enough\"\n", detail: "d", field: "amount", extra: extra, headers: ["Retry-After": "9"])
        let response = problem.response
        #expect(response.status == 402)
        #expect(response.headers["content-type"] == "application/problem+json")
        #expect(response.headers["retry-after"] == "9")
        guard case .bytes(let bytes) = response.body else { throw WireError(description: "no bytes") }
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == #"{"title":"Not \"enough\"\n","status":402,"code":"insufficient_balance","detail":"d","field":"amount","balance":5}"#)
    }

    @Test func `content types follow the name`() {
        #expect(ContentType.of("/a/b/app.JS") == "text/javascript; charset=utf-8")
        #expect(ContentType.of("/a.b/readme") == "application/octet-stream")
    }
}
