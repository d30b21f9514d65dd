internal import Business
internal import Bytes
internal import Engine
internal import Postgres
internal import Synchronization

/// Looks at the deliveries that this process has on their way, and notices those that have waited for long.
///
/// An attempt that has not been answered for a moment gives up its place in the queue's concurrency, since it only waits; after `slowAfter` its endpoint moves
/// to the slow lane at once. Waiting for its timeout would let the endpoints that hang today take all places for fifteen seconds.
final class WebhookWatch: Sendable {
    private struct Journey: Sendable {
        var endpoint: Identifier
        var beganAt: Int64
        var context: LeasedContext
        var isAside = false
        var isNoticed = false
    }

    private struct State {
        var journeys: [Int: Journey] = [:]
        var next = 0
        var isWatched = false
    }

    /// Nanoseconds without an answer after which an attempt counts as waiting.
    private static let moment: Int64 = 100_000_000

    private let webhooks: Webhooks
    private let slowAfter: Duration
    private let state = Mutex(State())

    init(_ webhooks: Webhooks, slowAfter: Duration) {
        self.webhooks = webhooks
        self.slowAfter = slowAfter
    }

    /// Notes a delivery that is about to be sent; returns its number, for `end`.
    func begin(_ message: WebhookMessage, in context: LeasedContext) -> Int {
        let (number, watches) = state.withLock { state in
            state.next += 1
            state.journeys[state.next] = Journey(endpoint: message.endpointID, beganAt: monotonicNanoseconds(), context: context)
            let watches = !state.isWatched
            state.isWatched = true
            return (state.next, watches)
        }
        if watches { Task { await watch() } }
        return number
    }

    func end(_ number: Int) { state.withLock { _ = $0.journeys.removeValue(forKey: number) } }

    /// Looks ten times a second, as long as anything is on its way.
    private func watch() async {
        while true {
            try? await Task.sleep(for: .milliseconds(100))
            let now = monotonicNanoseconds()
            let limit = now - slowAfter.components.seconds * 1_000_000_000 - slowAfter.components.attoseconds / 1_000_000_000
            let found = state.withLock { state -> (waiting: [Journey], late: [Journey])? in
                guard !state.journeys.isEmpty else {
                    state.isWatched = false
                    return nil
                }
                let waiting = state.journeys.filter { !$0.value.isAside && $0.value.beganAt <= now - Self.moment }.map(\.key)
                for number in waiting { state.journeys[number]?.isAside = true }
                let numbers = state.journeys.filter { !$0.value.isNoticed && $0.value.beganAt <= limit }.map(\.key)
                for number in numbers { state.journeys[number]?.isNoticed = true }
                return (waiting.compactMap { state.journeys[$0] }, numbers.compactMap { state.journeys[$0] })
            }
            guard let (waiting, late) = found else { return }
            for journey in waiting { journey.context.standAside() }
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
