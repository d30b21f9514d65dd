internal import Synchronization

/// The roles that a benchmark has started; two threads may want to stop them.
final class SpawnedRoles: Sendable {
    private let roles = Mutex<[SpawnedRole]>([])

    var all: [SpawnedRole] { roles.withLock { $0 } }

    func add(_ role: SpawnedRole) { roles.withLock { $0.append(role) } }

    /// In reverse order of their start.
    func stop() {
        let roles = roles.withLock { roles in
            defer { roles = [] }
            return roles
        }
        for role in roles.reversed() { role.stop() }
    }
}
