internal import JSON

/// Why the ledger refused.
package struct LedgerError: Error, CustomStringConvertible {
    package enum Kind: Sendable, Hashable {
        /// No definition has this kind.
        case unknownKind
        /// The payload does not fit the kind's schema.
        case invalidPayload
        /// No such job, or it is not the caller's to see.
        case notFound
        /// The job's state does not allow this: a retry of a job that is not dead, a cancel of one that has ended.
        case wrongState
        /// No definition has this queue.
        case unknownQueue
        /// A twin held the unique key through every try; try again.
        case contended
    }

    package var kind: Kind
    package var message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    package var description: String { message }
}
