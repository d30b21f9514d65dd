import HTTPClient
import Lanes
import Synchronization
import Testing

/// Clients for tests: 127.0.0.1 and 127.0.0.3 play the public internet, the rest of 127.0.0.0/8 is as private as it is.
enum Loopback {
    static func client(resolver: Resolver = .system, change: (inout HTTPClient.Settings) -> Void = { _ in }) throws -> HTTPClient {
        var settings = HTTPClient.Settings()
        settings.lookupLifetime = .zero
        change(&settings)
        return HTTPClient(settings: settings, guard: try addressGuard, resolver: resolver)
    }

    static var addressGuard: AddressGuard {
        get throws { AddressGuard(allowedNetworks: [try Network("127.0.0.1/32"), try Network("127.0.0.3/32")]) }
    }
}

/// A name server that answers from a list, one answer per question, the last one for ever.
final class ScriptedNames: Sendable {
    private let script: Mutex<[[IPAddress]]>
    private let questions = Mutex<[String]>([])

    init(_ answers: [String]...) {
        script = Mutex(answers.map { $0.compactMap { IPAddress($0) } })
    }

    var resolver: Resolver {
        Resolver { host in
            self.questions.withLock { $0.append(host) }
            let answer = self.script.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
            return answer.isEmpty ? .failure(.notFound) : .success(answer)
        }
    }

    var asked: [String] { questions.withLock { $0 } }
}

/// Waits for a condition that other threads bring about.
func eventually(_ what: Comment, within limit: Duration = .seconds(10), _ condition: () -> Bool) async throws {
    let deadline = ContinuousClock.now + limit
    while !condition() {
        if ContinuousClock.now > deadline {
            Issue.record(what)
            return
        }
        try await Task.sleep(for: .milliseconds(1))
    }
}

/// What a request failed with, or nil and a recorded issue.
func failure(of client: HTTPClient, _ request: ClientRequest) async -> HTTPClientError? {
    do {
        let response = try await client.send(request)
        Issue.record("\(request.url) was answered with \(response.status)")
        return nil
    } catch {
        return error
    }
}
