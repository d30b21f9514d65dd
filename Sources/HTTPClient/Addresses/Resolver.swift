/// Turns a host's name into addresses, blocking; runs on a thread of the client's own.
///
/// A closure, so that a test can play a name server that changes its mind between two questions.
package struct Resolver: Sendable {
    package enum Failure: Error, Hashable, Sendable {
        /// There is no such name, or it has no address.
        case notFound
        /// The name service did not answer, or could not.
        case unavailable
    }

    let resolve: @Sendable (String) -> Result<[IPAddress], Failure>

    package init(_ resolve: @escaping @Sendable (_ host: String) -> Result<[IPAddress], Failure>) { self.resolve = resolve }
}
