internal import Business
internal import Bytes
internal import HTTPServer
internal import JSON
internal import Postgres

/// One open stream: who looks, at what, and until when.
struct EventViewer: Sendable {
    let id = Identifier.next()
    let source: EventSource
    /// Throws when its session has ended, its key was deleted, or its account deactivated.
    let check: @Sendable (Connection) throws -> Void
    let userID: Identifier?
    let wantsQueues: Bool
    private let caller: Caller
    private let job: Identifier?
    private let end: Int64

    init(
        caller: Caller, job: Identifier?, source: EventSource, lifetime: Duration, check: @escaping @Sendable (Connection) throws -> Void
    ) {
        self.caller = caller
        self.job = job
        self.source = source
        self.check = check
        userID = caller.subjectID
        wantsQueues = job == nil && caller.role.isStaff && caller.permissions.contains(.queuesView)
        end = monotonicNanoseconds() + lifetime.components.seconds * 1_000_000_000
    }

    func isOver(_ now: Int64) -> Bool { now >= end }

    /// Whether a job is theirs to see: the same rule as `GET /jobs/{jobId}`.
    func sees(job id: Identifier, scope: [Identifier]) -> Bool {
        guard job == nil || job == id else { return false }
        return scope.contains(caller.accountID) || caller.role.isStaff && caller.permissions.contains(.jobsViewAll)
    }

    func seesPlan(scope: [Identifier]) -> Bool {
        job == nil && caller.permissions.contains(.plansView) && scope.contains(caller.accountID)
    }

    func send(_ event: Event) { source.send(event: event.name, data: event.data) }
}

/// Something that is told.
struct Event: Sendable {
    let name: String
    let data: String

    init(_ name: String, _ json: JSONValue) {
        self.name = name
        data = json.text
    }
}
