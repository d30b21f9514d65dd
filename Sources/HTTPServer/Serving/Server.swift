internal import Lanes
internal import Synchronization

/// An HTTP/1.1 server: it takes requests from a socket, gives each to a handler in a task of its own, and sends the response.
///
/// A server starts once and stops once. It must be stopped: its threads hold it until then.
package final class Server: Sendable {
    package typealias Handler = @Sendable (Request) async -> Response

    private enum State {
        case idle
        case started(ServerCore, StopOrders, port: UInt16)
    }

    private let settings: ServerSettings
    private let handler: Handler
    private let onFinished: (@Sendable (RequestSummary) -> Void)?
    private let state = Mutex(State.idle)

    /// Makes a server that is not started yet.
    ///
    /// - Parameters:
    ///   - onFinished: called once for every request when it is over, on an event loop: it must be quick and must not block.
    ///   - handler: answers requests; a router's `respond`. Its task is cancelled when the request's time is over or the server stops.
    package init(
        _ settings: ServerSettings = ServerSettings(), onFinished: (@Sendable (RequestSummary) -> Void)? = nil, handler: @escaping Handler
    ) {
        self.settings = settings
        self.onFinished = onFinished
        self.handler = handler
    }

    /// The port that the server listens on, also when a free one was taken; 0 before it was started.
    package var port: UInt16 {
        state.withLock { state in
            if case .started(_, _, let port) = state { port } else { 0 }
        }
    }

    /// How many connections are open.
    package var connectionCount: Int {
        state.withLock { state in
            if case .started(let core, _, _) = state { core.registry.count } else { 0 }
        }
    }

    /// Listens, and returns when connections are accepted.
    package func start() throws(HTTPServerError) {
        try state.withLock { (state) throws(HTTPServerError) in
            guard case .idle = state else { throw HTTPServerError(kind: .alreadyStarted, message: "a server starts once") }
            guard let poller = Poller() else { throw Self.outOfResources }
            let core = ServerCore(settings, poller, handler: handler, onFinished: onFinished)
            let listener = try Listener(address: settings.address, port: settings.port, backlog: settings.backlog)
            var daemons: [Daemon] = []
            for _ in 0..<max(1, settings.threads) {
                guard let daemon = Daemon(core) else { break }
                daemons.append(daemon)
            }
            guard daemons.count == max(1, settings.threads), poller.add(listener.descriptor, id: Poller.listener) else {
                for daemon in daemons { daemon.stop() }
                listener.shut()
                throw settings.tls == nil ? Self.outOfResources : HTTPServerError(kind: .tls, message: "certificate and key are not usable")
            }
            let orders = StopOrders()
            state = .started(core, orders, port: listener.port)
            _ = Thread("http-gate") { [daemons] in Gate(core, listener, daemons, orders).run() }
        }
    }

    /// Stops: accepts nothing more, lets requests in hand finish for up to `grace`, cancels and answers those that do not, and closes everything.
    ///
    /// Streams of events are finished at once, so that their clients look for another server. Returns when the last thread has ended, at most a
    /// quarter of a second after the grace. A handler that ignores its cancellation runs on, but nobody listens to it any more.
    package func stop(grace: Duration = .seconds(10)) async {
        let started = state.withLock { state -> (ServerCore, StopOrders)? in
            if case .started(let core, let orders, _) = state { (core, orders) } else { nil }
        }
        if let (core, orders) = started { await orders.stop(grace: grace) { core.poller.ring() } }
    }

    private static let outOfResources = HTTPServerError(kind: .system, message: "the system has no descriptors or threads left")
}
