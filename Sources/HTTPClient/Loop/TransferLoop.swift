internal import Bytes
internal import CCurl
internal import Glibc
internal import Lanes
internal import Synchronization

/// The client's thread: epoll, libcurl's multi handle, and the table of orders.
///
/// An order goes through at most three states: its name is looked up (it waits in the `LookupTable`), it is judged (at once), it is a transfer in the multi
/// handle. Whatever happens to it comes in here as an event, in one thread, so no state is locked; every way out goes through `end`, which answers exactly once.
///
/// libcurl is driven by sockets and one timer (`curl_multi_socket_action`), so the cost of an event does not grow with the number of transfers.
@safe
final class TransferLoop {
    /// How often orders that wait for a name are looked over for the end of their time.
    private static let lookupTick: Int64 = 10_000_000
    /// More addresses of one name are not tried.
    private static let maximumCandidates = 4

    private let settings: HTTPClient.Settings
    private let addressGuard: AddressGuard
    private let resolver: Resolver
    private let inbox: Inbox
    private let lanes: LanePool<Void>
    private let counters: Counters

    private let curl: CurlMulti
    private var transfers: [UInt64: Transfer] = [:]
    private var lookups: LookupTable
    private var lookingUp: Set<UInt64> = []
    private var nextLookupTick: Int64 = 0

    init(
        settings: HTTPClient.Settings, addressGuard: AddressGuard, resolver: Resolver, inbox: Inbox, lookups lanes: LanePool<Void>, counters: Counters
    ) {
        self.settings = settings
        self.addressGuard = addressGuard
        self.resolver = resolver
        self.inbox = inbox
        self.lanes = lanes
        self.counters = counters
        curl = CurlMulti(settings: settings, waker: inbox.descriptor)
        lookups = LookupTable(lifetime: settings.lookupLifetime)
    }

    /// Runs until the inbox is closed; then answers what is left.
    func run() {
        blockBrokenPipe()
        var isClosed = false
        while !isClosed {
            if curl.turn(until: lookingUp.isEmpty ? nil : nextLookupTick) {
                let mail = inbox.take()
                isClosed = mail.isClosed
                for message in mail.messages { handle(message) }
            }
            endLateLookups()
            while let (transfer, code) = curl.nextFinished() { finish(transfer, code) }
        }
        for transfer in transfers.values { end(transfer, .failure(.stopped(mayHaveArrived: transfer.requestBegan))) }
    }

    // MARK: what comes in

    private func handle(_ message: Inbox.Message) {
        switch message {
        case .start(let order):
            start(order)
        case .cancel(let id):
            guard let transfer = transfers[id] else { return }
            end(transfer, .failure(.cancelled(mayHaveArrived: transfer.requestBegan)))
        case .resolved(let lookup, let result):
            let now = monotonicNanoseconds()
            for id in lookups.finish(lookup, result, now: now) {
                lookingUp.remove(id)
                if let transfer = transfers[id] { judge(transfer, result, now: now) }
            }
        }
    }

    private func start(_ order: Order) {
        if order.ticket.isCancelled.load(ordering: .acquiring) {
            order.answer(.failure(.cancelled(mayHaveArrived: false)))
            return
        }
        let transfer = Transfer(order: order)
        transfers[order.ticket.id] = transfer
        counters.inHand.add(1, ordering: .relaxed)
        let now = monotonicNanoseconds()
        switch order.url.host {
        case .address(let address):
            judge(transfer, .success([address]), now: now)
        case .name(let host):
            if let known = lookups.answer(for: host, now: now) {
                judge(transfer, known, now: now)
            } else {
                lookUp(transfer, host, now: now)
            }
        }
    }

    // MARK: the name

    private func lookUp(_ transfer: Transfer, _ host: String, now: Int64) {
        if lookingUp.isEmpty { nextLookupTick = now + Self.lookupTick }
        lookingUp.insert(transfer.order.ticket.id)
        guard let lookup = lookups.join(transfer.order.ticket.id, host: host) else { return }
        counters.lookups.add(1, ordering: .relaxed)
        lanes.submit { [resolver, inbox] _ in
            guard !lookup.isAbandoned.load(ordering: .relaxed) else { return }
            inbox.post(.resolved(lookup, resolver.resolve(host)))
        }
    }

    private func endLateLookups() {
        guard !lookingUp.isEmpty else { return }
        let now = monotonicNanoseconds()
        guard now >= nextLookupTick else { return }
        nextLookupTick = now + Self.lookupTick
        for id in lookingUp {
            guard let transfer = transfers[id] else { continue }
            let deadline = min(transfer.order.deadline, transfer.order.started + settings.lookupTimeout.nanoseconds)
            if now >= deadline { end(transfer, .failure(.timedOut(.lookup))) }
        }
    }

    // MARK: the judgement

    /// The only way to a connection: all addresses are judged here, now, and the transfer may use no others.
    private func judge(_ transfer: Transfer, _ result: Result<[IPAddress], Resolver.Failure>, now: Int64) {
        switch result {
        case .failure(.notFound):
            end(transfer, .failure(HTTPClientError(.nameNotResolved, "the URL's host has no address")))
        case .failure(.unavailable):
            end(transfer, .failure(HTTPClientError(.nameNotResolved, "the URL's host cannot be looked up at the moment")))
        case .success(let addresses):
            if transfer.order.destination == .guarded, let refusal = addressGuard.refusal(ofAny: addresses) {
                end(transfer, .failure(.refused(refusal, host: transfer.order.url.host)))
            } else if transfer.request == nil {
                end(transfer, .success(.allowed))
            } else {
                transfer.candidates = Array(addresses.prefix(Self.maximumCandidates))
                transfer.lookupTook = now - transfer.order.started
                connect(transfer, now: now)
            }
        }
    }

    // MARK: the transfer

    /// Begins an attempt with the next address.
    private func connect(_ transfer: Transfer, now: Int64) {
        guard let request = transfer.request, !transfer.candidates.isEmpty else {
            end(transfer, .failure(HTTPClientError(.nameNotResolved, "the URL's host has no address")))
            return
        }
        transfer.pinned = transfer.candidates.removeFirst()
        transfer.attemptStarted = now
        let connectDeadline = transfer.connectDeadline ?? now + request.connectTimeout.nanoseconds
        transfer.connectDeadline = connectDeadline
        guard now < transfer.order.deadline, now < connectDeadline else {
            end(transfer, .failure(.timedOut(.connect)))
            return
        }
        // A first address that swallows everything leaves half of the time to the others.
        let share = (connectDeadline - now) / (transfer.candidates.isEmpty ? 1 : 2)
        transfer.socketOpened = { [counters] in counters.connections.add(1, ordering: .relaxed) }
        let code = curl.begin(transfer, request, connectFor: share, inAllFor: transfer.order.deadline - now)
        if code != CURLE_OK { end(transfer, .failure(HTTPClientError(.invalidRequest, "libcurl does not take the request (code \(code.rawValue))"))) }
    }

    private func finish(_ transfer: Transfer, _ code: CURLcode) {
        let now = monotonicNanoseconds()
        if transfer.mayTryNextAddress(code) {
            curl.release(transfer)
            connect(transfer, now: now)
        } else {
            end(transfer, transfer.outcome(code, now: now))
        }
    }

    /// The only way out.
    private func end(_ transfer: Transfer, _ answer: Order.Answer) {
        let id = transfer.order.ticket.id
        curl.release(transfer)
        if lookingUp.remove(id) != nil, case .name(let host) = transfer.order.url.host { lookups.leave(id, host: host) }
        transfers[id] = nil
        counters.inHand.subtract(1, ordering: .relaxed)
        transfer.order.answer(answer)
    }

    /// A write to a connection that is gone would end the process; libcurl guards most of its writes, this guards the thread.
    private func blockBrokenPipe() {
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGPIPE)
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
    }
}
