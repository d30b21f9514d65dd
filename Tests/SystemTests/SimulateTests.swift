import Bytes
import Clocks
import Crypto
import Glibc
import HTTPClient
import JSON
import TestSupport
import Testing

/// The simulated webhook subscriber, as an operator starts it.
@Suite(.tellingLogs, .timeLimit(.minutes(1)))
struct SimulateTests {
    /// A sink with a client that may call it.
    private struct Play {
        let process: MillraceProcess
        let base: String
        let http = HTTPClient(guard: AddressGuard(allowedNetworks: []))

        init(_ words: String...) async throws {
            process = try MillraceProcess(
                "sink", program: SystemRig.executable, arguments: ["simulate", "webhook-sink", "--port", "0", "--every", "0", "--json"] + words,
                environment: [:])
            try await process.says("listening on")
            base = String(process.log.split { $0.isWhitespace }.last ?? "")
        }

        func send(_ target: String, id: String = "msg_1", signedBy secret: WebhookSecret? = nil, timeout: Duration = .seconds(10)) async throws
            -> ClientResponse
        {
            let body = Array("{\"type\":\"test\"}".utf8)
            let now = Instant.now.seconds
            var headers: HeaderFields = ["webhook-id": id, "webhook-timestamp": String(now)]
            if let secret { headers.add("webhook-signature", WebhookSignature.sign(id: id, timestamp: now, body: body, secrets: [secret])) }
            return try await http.send(
                ClientRequest(
                    .post, base + target, headers: headers, body: body, timeout: timeout, maximumResponseBytes: 4096, destination: .trusted,
                    freshConnection: true))
        }

        /// Ends the process and reads what it said at last.
        func end() async throws -> JSONValue {
            process.signal(SIGTERM)
            #expect(try await process.end() == .code(0))
            http.stop()
            return try JSONValue(parsing: process.output)
        }
    }

    @Test func `signatures are verified, duplicates counted, endpoint by endpoint`() async throws {
        let (secret, other) = (WebhookSecret.make(), WebhookSecret.make())
        let play = try await Play("--secret", "/a=" + secret.text.reveal)
        for id in ["msg_1", "msg_2", "msg_1"] { #expect(try await play.send("/a", id: id, signedBy: secret).status == 204) }
        #expect(try await play.send("/a", id: "msg_3", signedBy: other).status == 204)
        #expect(try await play.send("/b", id: "msg_4").status == 204)
        let tallies = try await play.end()
        let (a, b) = (tallies["endpoints"]?["/a"], tallies["endpoints"]?["/b"])
        #expect(a?["received"] == 4 && a?["verified"] == 3 && a?["forged"] == 1 && a?["duplicates"] == 1)
        #expect(b?["received"] == 1 && b?["unsigned"] == 1)
        #expect(tallies["total"]?["accepted"] == 5)
    }

    @Test func `an endpoint's query says how it answers`() async throws {
        let play = try await Play("--status", "503")
        #expect(try await play.send("/a").status == 503)
        #expect(try await play.send("/a?status=204").status == 204)
        #expect(try await play.send("/a?gone").status == 410)
        let busy = try await play.send("/a?retry-after=7&status=429")
        #expect(busy.status == 429 && busy.headers["Retry-After"] == "7")
        let reset = await #expect(throws: HTTPClientError.self) { try await play.send("/a?reset") }
        #expect(reset?.kind == .brokenResponse || reset?.kind == .connectFailed)
        let hung = await #expect(throws: HTTPClientError.self) { try await play.send("/a?hang", timeout: .milliseconds(300)) }
        let timedOut = if case .timedOut? = hung?.kind { true } else { false }
        #expect(timedOut)
        let tallies = try await play.end()
        #expect(tallies["total"]?["accepted"] == 1 && tallies["total"]?["refused"] == 5)
    }
}
