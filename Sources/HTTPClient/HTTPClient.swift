internal import Bytes
internal import Lanes
internal import Synchronization

/// Sends requests to other people's servers: thousands at once, each bounded in time and size, to addresses that were judged before.
///
/// One thread of its own runs libcurl's multi interface over epoll; a task that sends only suspends. A hanging server costs a socket and a table entry,
/// never a thread, so that no number of them slows the others. Names are looked up on a few lanes beside it, since `getaddrinfo` blocks.
///
/// Against a tenant's URL that leads inside (`ClientRequest.Destination.guarded`) stand, in this order: the strict reading of the URL, the judgement of
/// *all* addresses that its name has at this moment, the transfer being pinned to the judged address (the name is not looked up again, so a name server
/// cannot change its mind in between), and a last comparison when the socket is opened and again before the request is written. Redirects are never
/// followed: a redirect is a response. Sending a test event is the same call, and takes the same path.
package final class HTTPClient: Sendable {
    private let settings: Settings
    private let inbox: Inbox
    private let lookups: LanePool<Void>
    private let counters: Counters
    private let thread: Thread

    /// Starts the client's threads.
    package init(settings: Settings = Settings(), guard addressGuard: AddressGuard = AddressGuard(), resolver: Resolver = .system) {
        let inbox = Inbox()
        let counters = Counters()
        let lookups = LanePool<Void>("lookup", count: settings.lookupLanes) { _ in () }
        self.settings = settings
        self.inbox = inbox
        self.counters = counters
        self.lookups = lookups
        thread = Thread("http-client") {
            TransferLoop(settings: settings, addressGuard: addressGuard, resolver: resolver, inbox: inbox, lookups: lookups, counters: counters).run()
        }
    }

    deinit { stop() }

    /// Sends the request and waits for the response; cancelling the task ends the transfer at once.
    package func send(_ request: ClientRequest) async throws(HTTPClientError) -> ClientResponse {
        if let problem = request.headerProblem { throw HTTPClientError(.invalidRequest, problem) }
        let url = try read(request.url, for: request.destination)
        let answer = await hand(url: url, work: .transfer(request), destination: request.destination, timeout: request.timeout)
        guard case .response(let response) = try answer.get() else { preconditionFailure("a transfer is answered with a response") }
        return response
    }

    /// Judges a tenant's URL as `send` would, without connecting: what an endpoint's creation asks.
    ///
    /// A good answer is worth nothing later: `send` judges again.
    @discardableResult
    package func check(_ url: String, timeout: Duration = .seconds(5)) async throws(HTTPClientError) -> GuardedURL {
        let url = try read(url, for: .guarded)
        _ = try await hand(url: url, work: .check, destination: .guarded, timeout: timeout).get()
        return url
    }

    /// Ends every transfer in hand with `.stopped` and refuses new ones.
    ///
    /// Returns at once; `join` waits.
    package func stop() {
        inbox.close()
        lookups.stop()
    }

    /// Waits until the client's event loop has ended after `stop`; false when the time was over first.
    ///
    /// Blocks the calling thread. Lookups that the system's resolver is still busy with are left behind; they touch nothing of the client.
    @discardableResult
    package func join(timeout: Duration) -> Bool { thread.join(timeout: timeout) }

    package var statistics: Statistics { counters.snapshot }

    private func read(_ text: String, for destination: ClientRequest.Destination) throws(HTTPClientError) -> GuardedURL {
        do {
            return try GuardedURL(text, rules: destination == .guarded ? settings.urlRules : .trusted)
        } catch {
            throw .invalidURL(error)
        }
    }

    private func hand(url: GuardedURL, work: Order.Work, destination: ClientRequest.Destination, timeout: Duration) async -> Order.Answer {
        let ticket = Ticket()
        let inbox = inbox
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let order = Order(ticket: ticket, url: url, work: work, destination: destination, timeout: timeout) {
                    continuation.resume(returning: $0)
                }
                if !inbox.post(.start(order)) { order.answer(.failure(.stopped(mayHaveArrived: false))) }
            }
        } onCancel: {
            // Before `start` is handled this is found there; after it, the message arrives behind it.
            ticket.isCancelled.store(true, ordering: .releasing)
            inbox.post(.cancel(ticket.id))
        }
    }
}
