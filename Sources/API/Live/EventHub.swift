internal import Business
internal import Bytes
internal import Engine
internal import HTTPServer
internal import JSON
internal import Postgres
internal import Synchronization
internal import Telemetry

/// Looks at the database for all open streams of this process together, at a bounded rate, on one lane of its own; while nobody watches, not at all.
///
/// What a look costs does not depend on how many watch. Who may see a change is decided here, by the accounts above the one it belongs to. Every quarter of a
/// minute each viewer is authenticated again: a stream does not outlive the session, the key or the account behind it.
final class EventHub: Sendable {
    private struct State {
        var viewers: [Identifier: EventViewer] = [:]
        var look = EventLook()
        var isLooking = false
        var isStopped = false
        var nextRefresh: Int64 = 0
    }

    static let mostViewers = 2000
    static let mostPerUser = 20
    private static let checkEvery: Int64 = 15_000_000_000
    private static let queuesEvery: Int64 = 2_000_000_000
    private static let refreshEvery: Int64 = 5_000_000_000

    private let business: Business
    private let database: Database
    private let interval: Duration
    private let log: Logger
    private let state = Mutex(State())

    init(_ business: Business, _ settings: ConnectionSettings, interval: Duration, log: Logger) {
        self.business = business
        self.interval = interval
        self.log = log
        database = Database(settings, lanes: 1, name: "events")
    }

    /// How many streams are open.
    var count: Int { state.withLock { $0.viewers.count } }

    /// Adds a viewer: from when this returns on, it hears of every change.
    ///
    /// - Throws: `too_many_streams`; `PostgresError` when the database cannot be looked at.
    func add(_ viewer: EventViewer) async throws {
        let isFirst = try state.withLock { (state) throws(BusinessError) in
            let ofUser = state.viewers.values.count { $0.userID == viewer.userID }
            guard !state.isStopped, state.viewers.count < Self.mostViewers, ofUser < Self.mostPerUser else {
                throw BusinessError(.unavailable, "too_many_streams", "Too many streams of events are open; close some.", retryAfter: .seconds(10))
            }
            state.viewers[viewer.id] = viewer
            defer { state.isLooking = true }
            return !state.isLooking
        }
        viewer.source.onClose { [self] in remove(viewer.id) }
        guard isFirst else { return }
        do {
            try await look()
        } catch {
            state.withLock { $0.isLooking = false }
            throw error
        }
        Task { await run() }
    }

    func remove(_ id: Identifier) { state.withLock { _ = $0.viewers.removeValue(forKey: id) } }

    func stop() {
        let viewers = state.withLock { state in
            state.isStopped = true
            return Array(state.viewers.values)
        }
        for viewer in viewers { viewer.source.finish() }
        database.stop()
    }

    /// Looks again and again, until nobody watches.
    private func run() async {
        var nextCheck = monotonicNanoseconds() + Self.checkEvery
        var nextQueues: Int64 = 0
        while !endsLooking() {
            do {
                try await look()
                let now = monotonicNanoseconds()
                if now >= nextQueues, let cost = try await tellQueues() { nextQueues = now + max(Self.queuesEvery, cost * 20) }
                if now >= nextCheck {
                    try await check()
                    nextCheck = now + Self.checkEvery
                }
                try? await Task.sleep(for: interval)
            } catch {
                log.warning("live events wait for the database", ["error": "\(error)"])
                try? await Task.sleep(for: interval * 4)
            }
        }
    }

    /// True, and the last look forgotten, when nobody watches any more.
    private func endsLooking() -> Bool {
        state.withLock { state in
            guard state.viewers.isEmpty || state.isStopped else { return false }
            state.isLooking = false
            state.look = EventLook()
            return true
        }
    }

    private func look() async throws {
        let before = state.withLock { $0.look }
        let (look, changes, isPartial) = try await database.run { connection in
            var look = before
            let (changes, isPartial) = try look.look(on: connection, now: wallMicroseconds() / 1000)
            return (look, changes, isPartial)
        }
        let viewers = state.withLock { state in
            state.look = look
            return Array(state.viewers.values)
        }
        for change in changes {
            for viewer in viewers where viewer.sees(change) { viewer.send(change.event) }
        }
        if isPartial, isTimeToRefresh() {
            for viewer in viewers { viewer.send(Event("refresh", ["reason": "more has happened than is told one by one"])) }
        }
    }

    /// Under a flood of jobs every look is partial; who reads again at each would only add to it.
    private func isTimeToRefresh() -> Bool {
        let now = monotonicNanoseconds()
        return state.withLock { state in
            guard now >= state.nextRefresh else { return false }
            state.nextRefresh = now + Self.refreshEvery
            return true
        }
    }

    /// The figures of the queues, for those who may see them.
    ///
    /// - Returns: how long it took in nanoseconds; nil when nobody wants them.
    private func tellQueues() async throws -> Int64? {
        let viewers = state.withLock { state in state.viewers.values.filter(\.wantsQueues) }
        guard !viewers.isEmpty else { return nil }
        let start = monotonicNanoseconds()
        let ledger = business.ledger
        let queues = try await database.run { try ledger.overview(on: $0).map(\.json) }
        let event = Event("queues", ["data": .array(queues)])
        for viewer in viewers { viewer.send(event) }
        return monotonicNanoseconds() - start
    }

    /// Ends the streams of those who may not come in any more, and those that have lasted long enough.
    private func check() async throws {
        let viewers = state.withLock { Array($0.viewers.values) }
        let now = monotonicNanoseconds()
        for viewer in viewers {
            if viewer.isOver(now) {
                viewer.source.finish()
                continue
            }
            do {
                try await database.run { try viewer.check($0) }
            } catch let error as BusinessError {
                viewer.send(Event("end", ["code": .string(error.code)]))
                viewer.source.finish()
            }
        }
    }
}

extension EventViewer {
    fileprivate func sees(_ change: EventLook.Change) -> Bool {
        switch change.subject {
        case .job(let id): sees(job: id, scope: change.scope)
        case .plan: seesPlan(scope: change.scope)
        }
    }
}
