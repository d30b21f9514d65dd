/// A text that must not reach a log, an error or a listing: it prints as `•••`, and only `reveal` gives it away.
package struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The text itself; every use of this name is worth a look in review.
    package let reveal: String

    package init(_ text: String) {
        reveal = text
    }

    package static let mask = "•••"

    package var description: String { Self.mask }
    package var debugDescription: String { Self.mask }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
