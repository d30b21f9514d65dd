internal import Bytes
internal import CMicroHTTPD
internal import Synchronization

// The exchange on the event loop's thread: receiving, sending, ending.

extension Exchange {
    /// How much of a refused body is still read, so that the client can read why: closing on it while it sends would reset the connection.
    private static let drainLimit = 1 << 20

    /// The library's call: first for the head, then for each piece of the body, then for the end of the request and after it was resumed.
    func advance(_ handle: RequestHandle, line: RequestLine, piece: UnsafeRawBufferPointer) -> Step {
        state.withLock { state in
            if state.head == nil, state.refusal == nil { return readHead(&state, handle, line) }
            if unsafe !piece.isEmpty { return unsafe takeBody(piece, &state) }
            switch state.phase {
            case .receiving:
                if let refusal = state.refusal { return refuse(refusal, &state) }
                if core.phase == .closing { return refuse(.stopping, &state) }
                start(&state, handle)
                return .goOn
            case .answered:
                guard let answer = state.answer else { return .cut }
                return send(answer, &state)
            case .running, .sending, .over:
                return .goOn
            }
        }
    }

    /// Hands the answer to the library; false when it does not take it, and the connection has to be closed.
    func send(_ answer: Answer, _ handle: RequestHandle, closes: Bool) -> Bool {
        guard let response = unsafe makeResponse(answer.body, handle) else { return false }
        defer { unsafe MHD_destroy_response(response) }
        for field in answer.headers.fields { unsafe MHD_add_response_header(response, field.name, field.value) }
        unsafe MHD_add_response_header(response, "X-Request-Id", id.description)
        if closes { unsafe MHD_add_response_header(response, "Connection", "close") }
        return unsafe MHD_queue_response(handle.pointer, UInt32(answer.status), response) == .YES
    }

    /// The library is done with the request.
    func end(_ handle: RequestHandle, wasSent: Bool) {
        let libraryStatus = unsafe Int(cmicrohttpd_status(handle.pointer))
        let ended = state.withLock { state in
            defer {
                state.phase = .over
                state.task?.cancel()
                state.task = nil
                state.source = nil
                state.answer = nil
                state.handle = nil
            }
            return state
        }
        ended.source?.close()
        ended.answer?.discard()
        connection.end()
        core.finished(summary(ended, libraryStatus: libraryStatus, wasSent: wasSent))
    }

    private func readHead(_ state: inout State, _ handle: RequestHandle, _ line: RequestLine) -> Step {
        do throws(Problem) {
            let head = try RequestHead(
                method: line.method, version: line.version, rawTarget: rawTarget, headers: RequestHead.headers(of: handle), limits: core.settings)
            state.head = head
            guard let length = head.length else { return .goOn }
            let limit = bodyLimit(head)
            if length > limit {
                if head.awaitsContinue || length - limit > Self.drainLimit { return refuse(.bodyTooLarge(limit: limit), &state) }
                state.refusal = .bodyTooLarge(limit: limit)
            } else {
                state.body.reserveCapacity(min(length, 1 << 20))
            }
            return .goOn
        } catch {
            // What follows the head cannot be told from a body, so nothing of it is read.
            state.refusal = error
            return refuse(error, &state)
        }
    }

    private func takeBody(_ piece: UnsafeRawBufferPointer, _ state: inout State) -> Step {
        guard let head = state.head else { return .cut }
        let limit = bodyLimit(head)
        state.received += piece.count
        if state.received > limit {
            state.refusal = .bodyTooLarge(limit: limit)
            state.body = []
            return state.received - limit > Self.drainLimit * 2 ? .cut : .goOn
        }
        unsafe state.body.append(contentsOf: piece)
        return .goOn
    }

    private func start(_ state: inout State, _ handle: RequestHandle) {
        guard let head = state.head else { return }
        let request = Request(
            id: id, method: head.method, target: head.target, headers: head.headers, body: state.body, clientAddress: connection.address,
            receivedAt: receivedAt)
        state.body = []
        state.phase = .running
        state.handle = handle
        handle.suspend()
        state.task = Task { await run(request) }
    }

    private func refuse(_ problem: Problem, _ state: inout State) -> Step { send(Answer(problem), &state) }

    private func send(_ answer: Answer, _ state: inout State) -> Step {
        state.phase = .sending
        state.answer = nil
        state.status = answer.status
        state.route = answer.route
        switch answer.body {
        case .bytes(let bytes): state.sent = state.head?.method == .head ? 0 : bytes.count
        case .file(let file): state.sent = state.head?.method == .head ? 0 : file.facts.size
        case .events(let source):
            state.source = source
            if core.phase == .closing || connection.isHalfClosed { source.abort() }
        case .reset:
            connection.prepareReset()
            return .cut
        }
        return .send(answer, closes: core.phase != .serving)
    }

    private func bodyLimit(_ head: RequestHead) -> Int {
        core.settings.bodyLimit?(head.method, head.target.rawPath) ?? core.settings.maxBodyBytes
    }

    private func makeResponse(_ body: Answer.Body, _ handle: RequestHandle) -> OpaquePointer? {
        switch body {
        case .bytes(let bytes):
            return unsafe bytes.withUnsafeBytes { buffer in
                // The library only reads it, and keeps a copy of its own.
                unsafe MHD_create_response_from_buffer(
                    buffer.count, UnsafeMutableRawPointer(mutating: buffer.baseAddress), .RESPMEM_MUST_COPY)
            }
        case .file(let file):
            guard let descriptor = file.take() else { return nil }
            return unsafe MHD_create_response_from_fd64(UInt64(file.facts.size), descriptor)
        case .events(let source):
            let reader = unsafe Unmanaged.passRetained(EventReader(source, connection, handle))
            return unsafe MHD_create_response_from_callback(UInt64.max, 4096, readEvents, reader.toOpaque(), releaseEvents)
        case .reset:
            return nil
        }
    }

    private func summary(_ state: State, libraryStatus: Int, wasSent: Bool) -> RequestSummary {
        let path = rawTarget.prefix { $0 != UInt8(ascii: "?") }
        return RequestSummary(
            id: id, method: state.head?.method, rawPath: String(decoding: path, as: UTF8.self), route: state.route,
            clientAddress: connection.address, status: state.status > 0 ? state.status : libraryStatus,
            duration: .nanoseconds(monotonicNanoseconds() - receivedAt), bytesReceived: state.received,
            bytesSent: state.source?.taken ?? (wasSent ? state.sent : 0), outcome: wasSent ? .completed : .aborted)
    }
}
