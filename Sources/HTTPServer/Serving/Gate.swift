internal import Bytes
internal import Synchronization

/// The server's own thread: it lets connections in, watches the clock for all of them, and sees the server out.
///
/// Stopping has three stages. Draining: the listening socket is closed, streams are finished, answers close their connections, and requests in hand
/// may run until the grace is over. Closing: what still runs is cancelled and answered with 503, half-received requests are cut, and there
/// is a moment for these answers to leave. Then the event loops are stopped, with nothing suspended and so nothing to wait for.
final class Gate {
    private enum Stage {
        case serving
        case draining(until: Int64)
        case closing(until: Int64)
    }

    /// How long the last answers may take to leave.
    private static let farewell: Int64 = 250_000_000

    private let core: ServerCore
    private let listener: Listener
    private let daemons: [Daemon]
    private let orders: StopOrders
    private let tickNanoseconds: Int64
    private var stage = Stage.serving
    private var isListening = true
    private var turn = 0
    private var nextTick: Int64 = 0

    init(_ core: ServerCore, _ listener: Listener, _ daemons: [Daemon], _ orders: StopOrders) {
        self.core = core
        self.listener = listener
        self.daemons = daemons
        self.orders = orders
        let settings = core.settings
        let shortest = min(settings.idleTimeout, settings.requestTimeLimit, settings.heartbeat).nanoseconds
        tickNanoseconds = max(5_000_000, min(shortest / 8, 250_000_000))
    }

    /// Runs until the server has stopped.
    func run() {
        while true {
            let events = core.poller.wait(milliseconds: patience())
            let now = monotonicNanoseconds()
            for id in events where id != Poller.bell {
                if id == Poller.listener { acceptWaiting() } else { core.registry[id]?.peerClosed() }
            }
            obey(now)
            if now >= nextTick { tick(now) }
            if isOver(now) { break }
        }
        for daemon in daemons { daemon.stop() }
        orders.fulfil()
    }

    /// How long there is nothing to do but to wait for events: without connections and orders, for ever.
    private func patience() -> Int32 {
        if case .serving = stage, isListening, core.registry.count == 0 { return -1 }
        var until = nextTick
        switch stage {
        case .draining(let end), .closing(let end): until = min(until, end)
        case .serving: break
        }
        return Int32(clamping: max(0, (until - monotonicNanoseconds()) / 1_000_000 + 1))
    }

    private func tick(_ now: Int64) {
        nextTick = now + tickNanoseconds
        let quiet = core.settings.idleTimeout.nanoseconds
        for connection in core.registry.all {
            connection.cutIfAbandoned(now: now, after: tickNanoseconds)
            if let exchange = connection.exchange {
                exchange.tick(now: now)
            } else if connection.isQuiet(now: now, longerThan: quiet) {
                connection.cut()
            }
        }
        listen(core.registry.count < core.settings.connectionLimit)
    }

    // MARK: Letting in

    private func acceptWaiting() {
        for _ in 0..<64 {
            guard core.registry.count < core.settings.connectionLimit else { return listen(false) }
            switch listener.accept() {
            case .accepted(let client): admit(client)
            case .again: continue
            case .nothing: return
            case .exhausted: return listen(false)
            }
        }
    }

    private func admit(_ client: Listener.Client) {
        guard let connection = core.registry.admit(client.descriptor, client.address) else { return client.refuse() }
        core.poller.watch(client.descriptor, id: connection.id)
        turn = (turn + 1) % daemons.count
        if !daemons[turn].add(client) {
            _ = core.registry.arrived(client.descriptor)
            core.registry.remove(connection)
        }
    }

    /// Looks at the listening socket or away from it; while it looks away, clients wait in the kernel's queue.
    private func listen(_ wanted: Bool) {
        guard case .serving = stage, isListening != wanted else { return }
        isListening = wanted
        core.poller.setWanted(wanted, listener.descriptor, id: Poller.listener)
        if !wanted { nextTick = min(nextTick, monotonicNanoseconds() + tickNanoseconds) }
    }

    // MARK: Seeing out

    private func obey(_ now: Int64) {
        guard let grace = orders.grace else { return }
        switch stage {
        case .serving:
            stage = .draining(until: now + grace)
            core.poller.remove(listener.descriptor)
            listener.shut()
            core.phase = .draining
            for connection in core.registry.all { connection.exchange?.drain() }
        case .draining(let until): stage = .draining(until: min(until, now + grace))
        case .closing: break
        }
    }

    private func isOver(_ now: Int64) -> Bool {
        switch stage {
        case .serving: return false
        case .draining(let until):
            guard now < until, isBusy else { break }
            return false
        case .closing(let until): return now >= until || !isBusy
        }
        core.phase = .closing
        for connection in core.registry.all { connection.exchange?.close() }
        stage = .closing(until: now + Self.farewell)
        return !isBusy
    }

    private var isBusy: Bool { core.registry.all.contains { $0.exchange != nil } }
}
