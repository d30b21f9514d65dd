internal import Lanes
internal import Synchronization

/// Runs async work to its end on behalf of the main thread, which is none of Swift's pool and may wait.
func blocking<R: Sendable>(_ body: @escaping @Sendable () async throws -> R) throws -> R {
    let ended = Mailbox<Result<R, any Error>>()
    Task {
        do {
            ended.put(.success(try await body()))
        } catch {
            ended.put(.failure(error))
        }
    }
    guard let result = ended.take() else { preconditionFailure("the mailbox is never closed") }
    return try result.get()
}
