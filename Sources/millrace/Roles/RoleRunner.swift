internal import Glibc
internal import Lanes
internal import Telemetry

/// Starts roles in order, waits for a signal, stops them in reverse order.
enum RoleRunner {
    static func run(_ platform: Platform, _ make: @escaping @Sendable () async throws -> [any Role]) throws {
        let log = platform.log
        let roles = try blocking {
            let roles = try await make()
            for role in roles { try await role.start() }
            return roles
        }
        log.info("started", ["roles": roles.map(\.name).joined(separator: ", "), "version": Millrace.version])
        let signal = StopSignals.wait()
        log.info("stopping", ["signal": Int(signal)])
        let clean = try blocking {
            var clean = true
            for role in roles.reversed() where !(await role.stop()) {
                clean = false
                log.warning("left work behind", ["role": role.name])
            }
            return clean
        }
        log.info("stopped", ["clean": clean])
        exit(clean ? 0 : ExitCode.failure.rawValue)
    }
}

/// Runs blocking work of a role's start or stop on a thread of its own.
func offPool<R: Sendable>(_ body: @escaping @Sendable () -> R) async -> R {
    await withCheckedContinuation { continuation in
        _ = Thread("role") { continuation.resume(returning: body()) }
    }
}
