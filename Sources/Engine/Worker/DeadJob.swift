package import Bytes

/// A job that died just now, for the notice inside the transaction that says so.
package struct DeadJob: Sendable {
    package var id: Identifier
    package var kind: String
    package var queue: String
    package var accountID: Identifier?
    package var attempts: Int
    package var errorCode: String
    package var error: String
}
