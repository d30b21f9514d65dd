internal import Glibc

enum Process {
    /// Ends the process without waiting for anything: PostgreSQL rolls back, the broker redelivers, the rescuer takes the leases.
    static func abandon() -> Never { _exit(70) }
}
