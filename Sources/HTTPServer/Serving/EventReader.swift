/// The bond between a stream of events and the connection that sends it: the connection sleeps while there is nothing to send.
final class EventReader: Sendable {
    // MHD_CONTENT_READER_END_OF_STREAM is a cast, which Swift does not import.
    static let endOfStream = -1

    private let source: EventSource
    private let connection: Connection
    private let handle: RequestHandle

    init(_ source: EventSource, _ connection: Connection, _ handle: RequestHandle) {
        self.source = source
        self.connection = connection
        self.handle = handle
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let taken = source.read(
            buffer.count,
            take: unsafe buffer.copyBytes(from:),
            sleep: handle.suspend,
            wake: handle.resume)
        switch taken {
        case .bytes(let count): return count
        case .wait: return 0
        case .end: return Self.endOfStream
        case .abort:
            // To report an error would be the obvious way, but 0.9.75 then forgets to clean up a connection that comes from being suspended. Sending
            // the end into a socket that is shut fails as it should, and the client never sees an end that would mean completeness.
            connection.cut()
            return Self.endOfStream
        }
    }
}
