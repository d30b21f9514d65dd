/// One numbered step of the schema, forward only; once applied anywhere it is never changed.
package struct Migration: Hashable, Sendable {
    package let number: Int
    package let name: String
    package let sql: String

    package init(number: Int, name: String, sql: String) {
        self.number = number
        self.name = name
        self.sql = sql
    }

    /// The text's fingerprint, 16 hexadecimal digits (FNV-1a).
    package var checksum: String { FNV1a(sql).hexadecimal }
}

/// Why the schema cannot be brought up to date.
package struct MigrationError: Error, Hashable, CustomStringConvertible {
    package enum Kind: Hashable, Sendable {
        /// Two migrations have the same number.
        case duplicate
        /// A migration differs from what was applied under its number.
        case changed
        /// A migration that was not applied has a smaller number than one that was.
        case outOfOrder
        /// A migration's SQL fails, or ends the transaction it runs in.
        case failed
    }

    package let kind: Kind
    package let number: Int
    package let message: String

    package var description: String { "migration \(number): \(message)" }
}
