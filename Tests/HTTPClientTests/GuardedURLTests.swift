import Faults
import HTTPClient
import Testing

@Suite struct GuardedURLTests {
    @Test(arguments: URLCorpus.malformed)
    func `a URL that can be read in two ways is refused`(text: String, problem: GuardedURL.Problem) {
        #expect(throws: problem) { try GuardedURL(text) }
    }

    @Test(arguments: URLCorpus.wellFormed)
    func `a plain URL is read and normalised`(text: String, host: String, port: UInt16, target: String, normal: String) throws {
        let url = try GuardedURL(text)
        #expect(url.hostText == host)
        #expect(url.port == port)
        #expect(url.target == target)
        #expect(url.description == normal)
        #expect(try GuardedURL(url.description) == url)
    }

    @Test func `the rules decide about scheme, ports and length`() throws {
        let strict = GuardedURL.Rules(requiresHTTPS: true, ports: .init([443...443]), maximumLength: 30)
        #expect(throws: GuardedURL.Problem.notHTTPS) { try GuardedURL("http://example.com/", rules: strict) }
        #expect(throws: GuardedURL.Problem.portNotAllowed(8443)) { try GuardedURL("https://example.com:8443/", rules: strict) }
        #expect(throws: GuardedURL.Problem.tooLong(limit: 30)) { try GuardedURL("https://example.com/0123456789x", rules: strict) }
        #expect(try GuardedURL("https://example.com/0123456789", rules: strict).port == 443)
        #expect(try GuardedURL("http://example.com:25/", rules: .trusted).port == 25)
    }

    @Test func `the corpus holds more than two hundred cases`() {
        #expect(URLCorpus.malformed.count + URLCorpus.inward.count > 400)
    }

    @Test func `noise never becomes a URL with a strange host`() {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        let alphabet = Array("htps:/@.%[]01279afxz#?\\ -_:~\u{0}ä").map(String.init) + ["http://", "https://", "127.0.0.1", "::1", "example.com"]
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 1...12, using: &random)).compactMap { _ in alphabet.randomElement(using: &random) }.joined()
            guard let url = try? GuardedURL("http://" + text) else { continue }
            #expect((try? GuardedURL(url.description)) == url, "seed \(seed), \(text)")
            if case .name(let name) = url.host {
                #expect(name.utf8.allSatisfy { "abcdefghijklmnopqrstuvwxyz0123456789-_.".utf8.contains($0) }, "seed \(seed), \(text)")
                #expect(name.split(separator: ".").last?.allSatisfy(\.isNumber) == false, "seed \(seed), \(text)")
            }
        }
    }
}
