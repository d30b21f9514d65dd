internal import HTTPServer
internal import Testing

/// Against curl, which nobody here has written.
struct ForeignClientTests {
    private static let router: Router = {
        var router = Router()
        router.add(.get, "/json") { _ in .json(Array(("[" + String(repeating: "1,", count: 3000) + "1]").utf8)) }
        router.add(.post, "/length") { .text(String($0.body.count)) }
        router.add(.get, "/events") { _ in
            let source = EventSource()
            source.send(event: "progress", data: "half")
            source.send(event: "progress", data: "whole")
            source.finish()
            return .events(source)
        }
        return router
    }()

    @Test func `curl reads, uploads and listens`() async throws {
        let folder = try TemporaryFolder()
        try folder.write("upload", [UInt8](repeating: 65, count: 900_000))
        try await withServer(Self.router.respond) { server in
            let base = "http://127.0.0.1:\(server.port)"
            let json = try await onThread { try run("curl", "-sS", "--compressed", base + "/json") }
            #expect(json.code == 0)
            #expect(json.output.utf8.count == 6003)
            let upload = try await onThread { try run("curl", "-sS", "--data-binary", "@\(folder.path)/upload", base + "/length") }
            #expect(upload.output == "900000")
            let chunked = try await onThread {
                try run("curl", "-sS", "-H", "Transfer-Encoding: chunked", "--data-binary", "@\(folder.path)/upload", base + "/length")
            }
            #expect(chunked.output == "900000")
            let events = try await onThread { try run("curl", "-sS", "-N", base + "/events") }
            #expect(events.output == ":\n\nevent: progress\ndata: half\n\nevent: progress\ndata: whole\n\n")
            let old = try await onThread { try run("curl", "-sS", "-N", "--http1.0", base + "/events") }
            #expect(old.output == events.output)
            let long = base + "/json?" + String(repeating: "a", count: 20_000)
            let refused = try await onThread { try run("curl", "-sS", "-w", " %{http_code} %{content_type}", long) }
            #expect(refused.output.contains("uri_too_long") && refused.output.hasSuffix(" 414 application/problem+json"))
            let field = "X-Long: " + String(repeating: "a", count: 20_000)
            let heavy = try await onThread { try run("curl", "-sS", "-H", field, "-w", " %{http_code} %{content_type}", base + "/json") }
            #expect(heavy.output.contains("headers_too_large") && heavy.output.hasSuffix(" 431 application/problem+json"))
            let head = try await onThread { try run("curl", "-sS", "-I", base + "/json") }
            #expect(head.output.hasPrefix("HTTP/1.1 200 OK"))
        }
    }

    @Test func `TLS works with a certificate of one's own, and a wrong one is said clearly`() async throws {
        let folder = try TemporaryFolder()
        let made = try await onThread {
            try run(
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                "/CN=localhost",
                "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder.path + "/key.pem", "-out", folder.path + "/cert.pem")
        }
        #expect(made.code == 0)
        let certificate = try await onThread { try run("cat", folder.path + "/cert.pem").output }
        let key = try await onThread { try run("cat", folder.path + "/key.pem").output }
        var settings = ServerSettings()
        settings.tls = ServerSettings.TLS(certificate: certificate, key: key)
        try await withServer(settings: settings, Self.router.respond) { server in
            let base = "https://127.0.0.1:\(server.port)"
            let json = try await onThread { try run("curl", "-sS", "--cacert", folder.path + "/cert.pem", base + "/json", base + "/json") }
            #expect(json.code == 0)
            #expect(json.output.utf8.count == 12006)
            let events = try await onThread { try run("curl", "-sS", "-N", "--cacert", folder.path + "/cert.pem", base + "/events") }
            #expect(events.output.hasSuffix("data: whole\n\n"))
        }
        settings.port = 0
        settings.tls = ServerSettings.TLS(certificate: "no certificate", key: key)
        let broken = Server(settings) { _ in .noContent }
        #expect(throws: HTTPServerError.self) { try broken.start() }
    }
}
