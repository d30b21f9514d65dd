internal import Synchronization

/// What the gate, the event loops and the tasks of one server share.
///
/// It lives until the last of them is done with it.
final class ServerCore: Sendable {
    /// serving → draining (answers close their connections, nothing new is accepted) → closing (nothing is started any more).
    enum Phase: UInt8, AtomicRepresentable { case serving, draining, closing }

    let settings: ServerSettings
    let handler: @Sendable (Request) async -> Response
    let onFinished: (@Sendable (RequestSummary) -> Void)?
    let registry: ConnectionRegistry
    let poller: Poller
    private let currentPhase = Atomic(Phase.serving)

    init(
        _ settings: ServerSettings, _ poller: Poller, handler: @escaping @Sendable (Request) async -> Response,
        onFinished: (@Sendable (RequestSummary) -> Void)?
    ) {
        self.settings = settings
        self.poller = poller
        self.handler = handler
        self.onFinished = onFinished
        registry = ConnectionRegistry(perAddressLimit: settings.connectionsPerAddress)
    }

    var phase: Phase {
        get { currentPhase.load(ordering: .acquiring) }
        set { currentPhase.store(newValue, ordering: .releasing) }
    }

    /// A request is over: while draining the gate wants to know.
    func finished(_ summary: RequestSummary) {
        onFinished?(summary)
        if phase != .serving { poller.ring() }
    }

    /// A connection is closed: there may be room again for one that waits.
    func closed(_ connection: Connection) {
        connection.close()
        registry.remove(connection)
        if registry.count + 1 >= settings.connectionLimit { poller.ring() }
    }
}
