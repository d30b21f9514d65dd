import Business
import Clocks
import HTTPClient
import JSON
import Synchronization
import TestSupport
import Testing
import Work

@Suite(.whole, .database(.millrace), .timeLimit(.minutes(5)))
struct WebhookGuardTests {
    @Test func `nothing inside is reached unless the operator has opened it`() async throws {
        let sink = Sink()
        try await WorkRig.run { options in
            options.addresses = AddressGuard()
            options.definition["maxAttempts"] = 2
            options.resolver = Resolver { _ in .success([IPAddress.v4(0x7F00_0001)]) }
        } _: { rig in
            for host in ["127.0.0.1", "harmless.example", "[::ffff:127.0.0.1]", "0.0.0.0"] {
                let (endpoint, _) = try await rig.endpoint("http://\(host):\(sink.port)/", events: ["test"])
                let caller = rig.reseller
                let sending = try await rig.act { try $1.webhooks.sendTest(endpoint, by: caller, on: $0) }
                let log = try await rig.wait(sending.deliveryID, for: .failed)
                #expect(log.attempts.map(\.errorCode) == ["address_refused", "address_refused"])
                // What a name leads to inside is not told.
                #expect(log.attempts.allSatisfy { $0.remoteAddress == nil })
                if host == "harmless.example" { #expect(log.attempts.allSatisfy { $0.error?.contains("127") == false }) }
            }
            #expect(sink.connections == 0)
        }
    }

    @Test func `a name that changes its mind between two attempts is judged at each`() async throws {
        let sink = Sink { _, _ in .status(500) }
        let asked = Mutex(0)
        let answers = Resolver { _ in
            let number = asked.withLock { asked in
                asked += 1
                return asked
            }
            return .success([IPAddress.v4(number == 1 ? 0x7F00_0001 : 0x7F00_0002)])
        }
        try await WorkRig.run { options in
            options.addresses = AddressGuard(allowedNetworks: ["127.0.0.1/32"].compactMap { try? Network($0) })
            options.client.lookupLifetime = .zero
            options.resolver = answers
            options.definition["maxAttempts"] = 3
        } _: { rig in
            let (endpoint, _) = try await rig.endpoint("http://rebinding.example:\(sink.port)/")
            let log = try await rig.wait(rig.send(to: endpoint), for: .failed)
            #expect(log.attempts.map(\.errorCode) == ["http_500", "address_refused", "address_refused"])
            #expect(sink.connections == 1)
        }
    }
}
