import Lanes

/// Holds a lane's thread until it is opened.
final class ReleaseGate: Sendable {
    private let mailbox = Mailbox<Void>()

    func wait() { _ = mailbox.take(timeout: .seconds(20)) }

    func open() { mailbox.close() }
}
