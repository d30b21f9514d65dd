/// What this session has prepared: by the statement's name, the server's name for it and the types of its parameters.
///
/// A statement that must be prepared again (its plan went stale, or its text changed under the same name) gets a new server name; the old one stays
/// behind on the server, because DEALLOCATE is refused in a failed transaction, just when it would be needed.
struct PreparedStatements {
    struct Entry {
        let text: String
        let serverName: String
        let parameterTypes: [UInt32]
    }

    private var entries: [String: Entry] = [:]
    private var generation = 0

    subscript(_ statement: Statement) -> Entry? {
        guard let entry = entries[statement.name], entry.text == statement.text else { return nil }
        return entry
    }

    /// A server name that is not in use.
    ///
    /// PostgreSQL tells names apart by their first 63 bytes only.
    mutating func freshName(for statement: Statement) -> String {
        let name = statement.name
        guard !name.isEmpty else { return "" }
        let short = name.utf8.count > 40 ? "\(name.prefix(20))~\(FNV1a(name).hexadecimal)" : name
        generation += 1
        return entries[name] != nil || forgotten.contains(name) ? "\(short)~\(generation)" : short
    }

    mutating func remember(_ entry: Entry, for statement: Statement) {
        guard !statement.name.isEmpty else { return }
        entries[statement.name] = entry
    }

    /// The next use of the statement prepares it anew.
    mutating func forget(_ statement: Statement) {
        entries[statement.name] = nil
        forgotten.insert(statement.name)
    }

    /// The session is a new one: the server knows nothing.
    mutating func forgetAll() { self = PreparedStatements() }

    private var forgotten: Set<String> = []
}
