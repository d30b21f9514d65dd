internal import CPostgres
internal import Glibc

/// Opens a connection with libpq's non-blocking interface, for two reasons: the timeout holds for the whole of it (libpq's own starts again for every
/// address), and the verbosity can be raised before the server answers, which is the only way to see the SQLSTATE of a refused connection.
enum Handshake {
    static func connect(_ settings: ConnectionSettings) throws(PostgresError) -> OpaquePointer {
        guard let handle = unsafe start(settings) else { throw PostgresError(.other, message: "libpq has no memory for a connection") }
        unsafe PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
        do {
            try unsafe finish(handle, deadline: .now + settings.connectTimeout)
        } catch {
            unsafe PQfinish(handle)
            throw error
        }
        return unsafe handle
    }

    private static func start(_ settings: ConnectionSettings) -> OpaquePointer? {
        let pairs = settings.connectionKeywords
        let keys = unsafe pairs.map { unsafe strdup($0.key) }
        let values = unsafe pairs.map { unsafe strdup($0.value) }
        defer { unsafe (keys + values).forEach { unsafe free($0) } }
        let keyList = unsafe keys.map { unsafe UnsafePointer($0) } + [nil]
        let valueList = unsafe values.map { unsafe UnsafePointer($0) } + [nil]
        return unsafe PQconnectStartParams(keyList, valueList, 0)
    }

    private static func finish(_ handle: OpaquePointer, deadline: ContinuousClock.Instant) throws(PostgresError) {
        var next = unsafe PQstatus(handle) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING
        while next != PGRES_POLLING_OK {
            guard next != PGRES_POLLING_FAILED else { throw unsafe refusal(handle) }
            let events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT
            guard waitForSocket(unsafe PQsocket(handle), events: Int16(events), until: deadline) else {
                throw PostgresError(.unreachable, message: "the server did not answer in time")
            }
            next = unsafe PQconnectPoll(handle)
        }
    }

    /// What the server or the network answered to an attempt to connect.
    private static func refusal(_ handle: OpaquePointer) -> PostgresError {
        let text = unsafe String(cString: PQerrorMessage(handle))
        // "connection to server at … failed: FATAL:  53300: sorry, too many clients already"
        guard let (sqlState, message) = sqlState(in: text) else {
            return PostgresError(.unreachable, message: String(text.prefix { $0 != "\n" }))
        }
        var kind = PostgresError.Kind(sqlState: sqlState, constraint: "", message: message, function: "")
        if kind == .other || kind == .connectionLost { kind = .unreachable }
        return PostgresError(kind, sqlState: sqlState, message: message)
    }

    private static func sqlState(in text: String) -> (String, String)? {
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ": ", omittingEmptySubsequences: false)
            for (index, part) in parts.enumerated() {
                let state = part.drop { $0 == " " }
                if state.utf8.count == 5, state.allSatisfy({ $0.isASCII && ($0.isNumber || $0.isUppercase) }), state.contains(where: \.isNumber) {
                    return (String(state), parts[(index + 1)...].joined(separator: ": "))
                }
            }
        }
        return nil
    }
}

/// Waits until the socket is ready; false when the time was over first.
///
/// An error of the socket counts as ready: the next use of it will say what it is.
func waitForSocket(_ descriptor: Int32, events: Int16, until deadline: ContinuousClock.Instant) -> Bool {
    while true {
        let left = deadline - .now
        var entry = pollfd(fd: descriptor, events: events, revents: 0)
        let status = unsafe poll(&entry, 1, Int32(clamping: left.wholeMilliseconds))
        if status > 0 { return true }
        if status == 0, left <= .zero { return false }
        if status < 0, errno != EINTR { return true }
    }
}
