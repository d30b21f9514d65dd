internal import HTTPServer
internal import Testing

struct RequestTargetTests {
    @Test func `a path is split before it is decoded`() throws {
        let target = try #require(RequestTarget("/files/..%2f..%2Fetc/a%20b/?x=1"))
        #expect(target.segments == ["files", "../../etc", "a b"])
        #expect(target.rawPath == "/files/..%2f..%2Fetc/a%20b/")
        #expect(target.path == "/files/../../etc/a b")
    }

    @Test func `query items keep their order, their repetitions and their empty values`() throws {
        let query = try #require(RequestTarget("/p?a=1&b=x%26y+z&a=2&flag&=v")).query
        #expect(query.items.map(\.name) == ["a", "b", "a", "flag", ""])
        #expect(query.all("a") == ["1", "2"])
        #expect(query["b"] == "x&y z")
        #expect(query["flag"] == "")
        #expect(query["c"] == nil)
    }

    @Test func `a plus is a plus in a path`() throws {
        #expect(try #require(RequestTarget("/a+b")).segments == ["a+b"])
    }

    @Test(arguments: ["/%", "/%4", "/%zz", "/%00", "/%ff", "/a?b=%", "/a?%c3=1", "relative", "", "/a b", "/é", "host:443"])
    func `a malformed target is none`(text: String) {
        #expect(RequestTarget(text) == nil)
    }

    @Test func `the absolute form loses its host`() throws {
        #expect(try #require(RequestTarget("http://host:80/a?b=c")).rawPath == "/a")
        #expect(try #require(RequestTarget("HTTPS://host?b=c")).query["b"] == "c")
        #expect(try #require(RequestTarget("http://host")).segments == [])
        #expect(try #require(RequestTarget("*")).rawPath == "*")
    }
}
