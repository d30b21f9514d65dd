import TestSupport
import Testing

/// Lets so many tests of this target run at once: each is a whole engine, with some twenty connections to the database and the processor time of one.
struct Turnstile: SuiteTrait, TestTrait, TestScoping {
    private static let permits = Permits(6)

    var isRecursive: Bool { true }

    func provideScope(for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void) async throws {
        try await Self.permits.withPermit(function)
    }
}

extension Trait where Self == Turnstile {
    /// A few at a time.
    static var whole: Turnstile { Turnstile() }
}
