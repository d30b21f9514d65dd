internal import Lanes
package import Postgres
internal import Synchronization

/// Tells the relays, after a commit, that there is something to publish.
///
/// A NOTIFY inside a job's transaction would take PostgreSQL's global notification lock at every commit. The bell notifies on a connection of its own,
/// after the commit, at most every millisecond: a thousand commits in that time ring once. A ring that is lost costs the relay's timer interval, never a job.
package final class RelayBell: Sendable {
    package static let channel = "millrace_outbox"

    private let ringing: Ringing
    private let rings = Mailbox<Void>()
    private let thread: Thread

    package init(_ settings: ConnectionSettings) {
        let rings = rings
        let ringing = Ringing()
        self.ringing = ringing
        var settings = settings
        // A notification is a transaction; one that a crash of the server takes back has nobody left to hear it.
        settings.waitsForDisk = false
        thread = Thread("bell") { [settings] in
            var connection: Connection?
            while rings.take() != nil {
                ringing.now.store(false, ordering: .sequentiallyConsistent)
                // Once more on a new connection: the one that was kept may have been cut while nobody rang.
                for _ in 0..<2 {
                    do {
                        let open = try connection ?? Connection(settings)
                        connection = open
                        try open.notify(Self.channel)
                        break
                    } catch {
                        connection = nil
                    }
                }
                pause(.milliseconds(1))
            }
        }
    }

    /// Rings; costs an atomic exchange when the bell is ringing already.
    package func ring() {
        if !ringing.now.exchange(true, ordering: .sequentiallyConsistent) { rings.put(()) }
    }

    package func stop() {
        rings.close()
        thread.join(timeout: .seconds(5))
    }
}

/// Whether a ring is on its way.
private final class Ringing: Sendable {
    let now = Atomic<Bool>(false)
}
