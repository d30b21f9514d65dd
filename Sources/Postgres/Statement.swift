/// One SQL statement with its name, generated at build time from a `-- name:` block of a `.sql` file.
package struct Statement: Sendable, Hashable {
    /// The file and the block, `plans.insert`; also the name of the prepared statement and of its metric.
    package let name: String
    package let text: String

    package init(_ name: String, _ text: String) {
        self.name = name
        self.text = text
    }

    /// A statement that is used once: prepared without a name, so that the connection does not remember it.
    package static func once(_ text: String) -> Statement { Statement("", text) }

    /// The same statement, planned for the parameters in hand at each use.
    ///
    /// For lists over a caller's subtree: the operator's holds every row and is best read backwards by id, a reseller's ten accounts are best looked up, and
    /// the plan that the server keeps for both after five uses is wrong for one of them. Planning costs a part of a millisecond.
    package var plannedAnew: Statement { .once(text) }
}
