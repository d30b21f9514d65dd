import Business
import Testing

/// Expects that a rule refuses, by kind and code.
@discardableResult
func refused<R>(
    _ kind: BusinessError.Kind, _ code: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> R
) async -> BusinessError? {
    do {
        _ = try await body()
        Issue.record("nothing was refused, expected \(code)", sourceLocation: sourceLocation)
    } catch let error as BusinessError {
        #expect(error.kind == kind, sourceLocation: sourceLocation)
        #expect(error.code == code, sourceLocation: sourceLocation)
        return error
    } catch {
        Issue.record("expected \(code), got \(error)", sourceLocation: sourceLocation)
    }
    return nil
}
