/// Why a schedule, a duration or a time zone was refused.
package struct ClocksError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What the caller can do.
    package enum Kind: Sendable {
        /// The text or number is wrong: correct it.
        case invalid
        /// No such time zone in the system's data: correct the name.
        case unknownTimeZone
        /// The system has no time zone data: install `tzdata`.
        case missingTimeZoneData
        /// The file of this time zone cannot be read as one: repair `tzdata`.
        case damagedTimeZoneData
    }

    package let kind: Kind
    package let message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    package var description: String { message }
}
