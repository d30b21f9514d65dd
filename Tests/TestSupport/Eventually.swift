/// Waits until a condition holds, looking again and again; fails the caller by throwing when the time is over.
package func eventually(
    _ what: String, within limit: Duration = .seconds(20), _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    var pause = Duration.milliseconds(2)
    while true {
        if try await condition() { return }
        guard ContinuousClock.now < deadline else { throw NeverHappened(what: what) }
        try await Task.sleep(for: pause)
        pause = min(pause * 2, .milliseconds(50))
    }
}

/// What `eventually` waited for did not come.
package struct NeverHappened: Error, CustomStringConvertible {
    let what: String

    package var description: String { "did not happen in time: \(what)" }
}
