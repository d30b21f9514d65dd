internal import Business
internal import Bytes
internal import Engine
internal import Postgres
internal import Synchronization

/// The deliveries that this process has on their way, by endpoint: how many there are, and which have waited for long.
///
/// An attempt that has not been answered for `slowAfter` gives up its place in the queue's concurrency, since it only waits, and its endpoint moves to the
/// slow lane at once. Waiting for its timeout would let the endpoints that hang today take all places for fifteen seconds.
final class WebhookTraffic: Sendable {
    private struct Journey: Sendable {
        var endpoint: Identifier
        var beganAt: Int64
        var context: LeasedContext
        var isNoticed = false
    }

    private struct State {
        var journeys: [Int: Journey] = [:]
        var inFlight: [Identifier: Int] = [:]
        var next = 0
        var isWatched = false
    }

    private let webhooks: Webhooks
    private let slowAfter: Duration
    private let state = Mutex(State())

    init(_ webhooks: Webhooks, slowAfter: Duration) {
        self.webhooks = webhooks
        self.slowAfter = slowAfter
    }

    /// Notes a delivery that is about to be sent; nil when its endpoint has as many on their way as it may.
    func begin(_ message: WebhookMessage, in context: LeasedContext) -> Int? {
        let limit = message.isProbe ? .max : min(message.maximumInFlight, message.rampAllows ?? .max)
        let (number, watches) = state.withLock { state -> (Int?, Bool) in
            guard state.inFlight[message.endpointID, default: 0] < limit else { return (nil, false) }
            state.inFlight[message.endpointID, default: 0] += 1
            state.next += 1
            state.journeys[state.next] = Journey(endpoint: message.endpointID, beganAt: monotonicNanoseconds(), context: context)
            let watches = !state.isWatched
            state.isWatched = true
            return (state.next, watches)
        }
        if watches { Task { await watch() } }
        return number
    }

    func end(_ number: Int) {
        state.withLock { state in
            guard let journey = state.journeys.removeValue(forKey: number) else { return }
            let rest = state.inFlight[journey.endpoint, default: 1] - 1
            state.inFlight[journey.endpoint] = rest > 0 ? rest : nil
        }
    }

    /// Looks ten times a second, as long as anything is on its way.
    private func watch() async {
        while true {
            try? await Task.sleep(for: .milliseconds(100))
            let limit = monotonicNanoseconds() - slowAfter.components.seconds * 1_000_000_000 - slowAfter.components.attoseconds / 1_000_000_000
            let late = state.withLock { state -> [Journey]? in
                guard !state.journeys.isEmpty else {
                    state.isWatched = false
                    return nil
                }
                let numbers = state.journeys.filter { !$0.value.isNoticed && $0.value.beganAt <= limit }.map(\.key)
                for number in numbers { state.journeys[number]?.isNoticed = true }
                return numbers.compactMap { state.journeys[$0] }
            }
            guard let late else { return }
            for journey in late { journey.context.standAside() }
            let slow = Dictionary(late.filter { $0.context.job.queue != Webhooks.slowLane }.map { ($0.endpoint, $0.context.database) }) { first, _ in
                first
            }
            for (endpoint, database) in slow {
                // A hint: when it cannot be written, the attempt's end will say it.
                try? await database.run { [webhooks] in try webhooks.markSlow(endpoint, on: $0) }
            }
        }
    }
}
