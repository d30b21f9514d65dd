internal import Lanes

/// Runs something that blocks on a thread of its own, so that no test holds one of the few threads of Swift's pool.
package func offPool<R: Sendable>(_ body: @escaping @Sendable () -> R) async -> R {
    await withCheckedContinuation { continuation in
        _ = Thread("off-pool") { continuation.resume(returning: body()) }
    }
}
