/// Runs a body so many times at once.
///
/// - Returns: how many did not throw.
func atOnce<R: Sendable>(_ count: Int, _ body: @escaping @Sendable (Int) async throws -> R) async -> Int {
    await withTaskGroup(of: Bool.self) { group in
        for index in 0..<count {
            group.addTask {
                do {
                    _ = try await body(index)
                    return true
                } catch {
                    return false
                }
            }
        }
        return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
}
