internal import HTTPServer
internal import Testing

struct ContentTests {
    private static let json = Array(("[" + (0..<500).map { "{\"number\":\($0)}" }.joined(separator: ",") + "]").utf8)

    private static func body(_ size: Int) -> [UInt8] { (0..<size).map { UInt8($0 * 7 % 251) } }

    @Test func `JSON is compressed for who takes it, and for nobody else`() async throws {
        let handler: Server.Handler = { request in
            switch request.rawPath {
            case "/small": .json(Array("[1]".utf8))
            case "/picture": Response(200, headers: ["Content-Type": "image/png"], body: .bytes(Self.json))
            default: Response.json(Self.json).tagged()
            }
        }
        let folder = try TemporaryFolder()
        try await withServer(handler) { server in
            let plain = try await fetch(server)
            #expect(plain.body == Self.json)
            #expect(plain["Content-Encoding"] == nil)
            #expect(plain["Vary"] == "Accept-Encoding")
            let packed = try await fetch(server, "GET", "/", "Accept-Encoding: br, GZIP;q=0.5\r\n")
            #expect(packed["Content-Encoding"] == "gzip")
            #expect(packed.body.count < Self.json.count / 3)
            #expect(packed["ETag"] == plain["ETag"].map { "W/" + $0 })
            try folder.write("body.gz", packed.body)
            let unpacked = try await onThread { try run("gzip", "-dc", folder.path + "/body.gz") }
            #expect(unpacked.output == String(decoding: Self.json, as: UTF8.self))
            #expect(try await fetch(server, "GET", "/", "Accept-Encoding: gzip;q=0\r\n")["Content-Encoding"] == nil)
            #expect(try await fetch(server, "GET", "/", "Accept-Encoding: *\r\n")["Content-Encoding"] == "gzip")
            #expect(try await fetch(server, "GET", "/small", "Accept-Encoding: gzip\r\n")["Content-Encoding"] == nil)
            #expect(try await fetch(server, "GET", "/picture", "Accept-Encoding: gzip\r\n")["Content-Encoding"] == nil)
            let head = try await fetch(server, "HEAD", "/", "Accept-Encoding: gzip\r\n")
            #expect(head["Content-Length"] == String(packed.body.count))
        }
    }

    @Test func `a client that has the version gets 304`() async throws {
        let handler: Server.Handler = { $0.rawPath == "/error" ? Response(404, headers: ["ETag": "\"x\""]) : Response.json(Self.json).tagged() }
        try await withServer(handler) { server in
            let tag = try #require(try await fetch(server)["ETag"])
            let port = server.port
            try await onThread {
                let client = try RawClient(port: port)
                for value in [tag, "\"other\", W/\(tag)", "*"] {
                    try client.send("GET / HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nIf-None-Match: \(value)\r\n\r\n")
                    let response = try client.response()
                    #expect(response.status == 304)
                    #expect(response["ETag"] == tag)
                    #expect(response["Content-Type"] == nil)
                }
                try client.send("GET / HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"other\"\r\n\r\n")
                #expect(try client.response().body == Self.json)
            }
            #expect(try await fetch(server, "POST", "/", "If-None-Match: *\r\n").status == 200)
            #expect(try await fetch(server, "GET", "/error", "If-None-Match: *\r\n").status == 404)
        }
    }

    @Test func `a line break in a header field never leaves the server`() async throws {
        let log = Log()
        let handler: Server.Handler = { request in
            var response = Response.text("secret")
            switch request.query["kind"] {
            case "value": response.headers["X-Value"] = "a\r\nSet-Cookie: admin=1"
            case "name": response.headers["X-Name\r\nSet-Cookie"] = "a"
            case "redirect": response = .redirect(to: "/" + (request.query["to"] ?? ""))
            case "nul": response.headers["X-Nul"] = "a\0b"
            default: response.status = 99
            }
            return response
        }
        try await withServer(log: log, handler) { server in
            for query in ["kind=value", "kind=name", "kind=redirect&to=%0d%0aSet-Cookie:%20a=b", "kind=nul", ""] {
                let response = try await fetch(server, "GET", "/?\(query)")
                #expect(response.status == 500)
                #expect(response["Set-Cookie"] == nil)
                #expect(!response.text.contains("secret"))
            }
        }
        #expect(log.all.map(\.status) == [500, 500, 500, 500, 500])
    }

    @Test func `files come with type, tag and length, whatever their size`() async throws {
        let folder = try TemporaryFolder()
        let large = Self.body(3_000_000)
        try folder.write("index.html", "<p>home</p>")
        try folder.write("large.bin", large)
        try folder.write("empty.css", "")
        try folder.write("app.js", String(repeating: "let x = 1\n", count: 300))
        let packed = try await onThread { try run("gzip", "-k", folder.path + "/app.js") }
        #expect(packed.code == 0)
        var router = Router()
        let files = StaticFiles(folder.path, cacheControl: { $0.hasSuffix(".js") ? "max-age=31536000, immutable" : "no-cache" })
        router.add(.get, "/static/{path...}", files.respond)
        try await withServer(router.respond) { server in
            let home = try await fetch(server, "GET", "/static/")
            #expect(home.text == "<p>home</p>")
            #expect(home["Content-Type"] == "text/html; charset=utf-8")
            #expect(home["Cache-Control"] == "no-cache")
            #expect(try await fetch(server, "GET", "/static/large.bin").body == large)
            let head = try await fetch(server, "HEAD", "/static/large.bin")
            #expect(head["Content-Length"] == "3000000")
            let empty = try await fetch(server, "GET", "/static/empty.css")
            #expect(empty.status == 200)
            #expect(empty["Content-Length"] == "0")
            let script = try await fetch(server, "GET", "/static/app.js")
            #expect(script.body.count == 3000)
            #expect(script["Cache-Control"] == "max-age=31536000, immutable")
            let small = try await fetch(server, "GET", "/static/app.js", "Accept-Encoding: gzip\r\n")
            #expect(small["Content-Encoding"] == "gzip")
            #expect(small["Content-Type"] == "text/javascript; charset=utf-8")
            #expect(small.body.count < 300)
            #expect(small["ETag"] != script["ETag"])
            let tag = try #require(script["ETag"])
            #expect(try await fetch(server, "GET", "/static/app.js", "If-None-Match: \(tag)\r\n").status == 304)
        }
    }

    @Test func `no address leads out of the folder`() async throws {
        let outside = try TemporaryFolder()
        try outside.write("secret.txt", "secret")
        let folder = try TemporaryFolder()
        try folder.write("a.txt", "a")
        try folder.write(".hidden", "secret")
        let linked = try await onThread {
            [
                try run("ln", "-s", outside.path + "/secret.txt", folder.path + "/link.txt").code,
                try run("ln", "-s", outside.path, folder.path + "/linked").code,
                try run("ln", "-s", folder.path + "/a.txt", folder.path + "/inside.txt").code,
                try run("mkfifo", folder.path + "/pipe.txt").code,
            ]
        }
        #expect(linked == [0, 0, 0, 0])
        let name = outside.path.split(separator: "/").last ?? ""
        var router = Router()
        router.add(.get, "/static/{path...}", StaticFiles(folder.path).respond)
        try await withServer(router.respond) { server in
            #expect(try await fetch(server, "GET", "/static/a.txt").text == "a")
            #expect(try await fetch(server, "GET", "/static/inside.txt").text == "a")
            for path in [
                "/static/..%2f..%2fetc/passwd", "/static/../../etc/passwd", "/static/%2e%2e/%2e%2e/etc/passwd", "/static/..%2F\(name)%2Fsecret.txt",
                "/static/../\(name)/secret.txt", "/static/%2Fetc%2Fpasswd", "/static//etc/passwd", "/static/link.txt", "/static/linked/secret.txt",
                "/static/.hidden", "/static/a.txt/..", "/static/./a.txt", "/static/..%5c..%5cetc", "/static/pipe.txt", "/static/nothing",
            ] {
                let response = try await fetch(server, "GET", path)
                #expect(response.status == 404, "\(path)")
                #expect(!response.text.contains("secret") && !response.text.contains("root:"), "\(path)")
            }
            #expect(try await fetch(server, "GET", "/static/a%00.txt").status == 400)
        }
    }

    @Test func `a page with addresses of its own is served for all of them`() async throws {
        let folder = try TemporaryFolder()
        try folder.write("index.html", "page")
        var router = Router()
        router.add(.get, "/{path...}", StaticFiles(folder.path, fallback: "index.html").respond)
        try await withServer(router.respond) { (server) async throws in
            #expect(try await fetch(server, "GET", "/jobs/12?x=1").text == "page")
            #expect(try await fetch(server, "GET", "/../../etc/passwd").text == "page")
        }
    }

    @Test func `a file that is gone is not found`() async throws {
        try await withServer({ _ in .file("/nonexistent/file.txt") }) { (server) async throws in
            #expect(try await fetch(server).status == 404)
        }
    }
}
