/// Mistakes in definition files, all that were found: each names its file and field.
package struct DefinitionError: Error, CustomStringConvertible {
    package struct Mistake: Sendable, Hashable {
        /// The file's name under `jobs/` or `queues/`.
        package var file: String
        /// JSON Pointer of the field, empty for the whole document.
        package var field: String
        package var message: String
    }

    package var mistakes: [Mistake]

    package var description: String {
        mistakes.map { mistake in
            mistake.file + (mistake.field.isEmpty ? "" : " " + mistake.field) + ": " + mistake.message
        }.joined(separator: "\n")
    }
}
