internal import CPostgres

/// For the few commands that take no parameters (COPY, LISTEN, CREATE DATABASE); everywhere else, bind.
extension Connection {
    /// The name in quotes, safe inside SQL text.
    package func quotedIdentifier(_ name: String) throws(PostgresError) -> String {
        try unsafe quoted(name) { handle, text, length in unsafe PQescapeIdentifier(handle, text, length) }
    }

    /// The text as a string literal, safe inside SQL text.
    package func quotedLiteral(_ text: String) throws(PostgresError) -> String {
        try unsafe quoted(text) { handle, text, length in unsafe PQescapeLiteral(handle, text, length) }
    }

    private func quoted(
        _ text: String, _ quote: (OpaquePointer, UnsafePointer<CChar>, Int) -> UnsafeMutablePointer<CChar>?
    ) throws(PostgresError) -> String {
        guard !text.utf8.contains(0), let quoted = unsafe quote(handle, text, text.utf8.count) else {
            throw PostgresError(.invalidInput, message: "the text cannot be quoted")
        }
        defer { unsafe PQfreemem(quoted) }
        return unsafe String(cString: quoted)
    }
}
