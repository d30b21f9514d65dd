/// The values that were read, each with its source.
///
/// Asking for a key that is not in the table, or for another type than the table says, is a mistake of the program and stops it; the tests read
/// every key.
package struct SettingValues: Sendable {
    package struct Entry: Sendable, Hashable {
        package let value: SettingValue
        package let source: SettingSource
    }

    private let table: [Setting]
    var entries: [String: Entry] = [:]

    init(table: [Setting]) {
        self.table = table
    }

    /// The value and its source, nil when it is not set and has no default.
    package subscript(key: String) -> Entry? { entries[key] }

    package func string(_ key: String) -> String? {
        optional(key) { if case .string(let value) = $0 { value } else { nil } }
    }

    package func int(_ key: String) -> Int {
        needed(key) { if case .int(let value) = $0 { value } else { nil } }
    }

    package func size(_ key: String) -> Int {
        needed(key) { if case .size(let value) = $0 { value } else { nil } }
    }

    package func duration(_ key: String) -> Duration {
        needed(key) { if case .duration(let value) = $0 { value } else { nil } }
    }

    package func bool(_ key: String) -> Bool {
        needed(key) { if case .bool(let value) = $0 { value } else { nil } }
    }

    package func list(_ key: String) -> [String] {
        optional(key) { if case .list(let value) = $0 { value } else { nil } } ?? []
    }

    package func durations(_ key: String) -> [Duration] {
        optional(key) { if case .durations(let value) = $0 { value } else { nil } } ?? []
    }

    package func url(_ key: String) -> SettingURL? {
        optional(key) { if case .url(let value) = $0 { value } else { nil } }
    }

    package func secret(_ key: String) -> Secret? {
        optional(key) { if case .secret(let value) = $0 { value } else { nil } }
    }

    private func needed<Value>(_ key: String, _ read: (SettingValue) -> Value?) -> Value {
        guard let value = optional(key, read) else { preconditionFailure("the setting \(key) has a default") }
        return value
    }

    private func optional<Value>(_ key: String, _ read: (SettingValue) -> Value?) -> Value? {
        precondition(table.contains { $0.key == key }, "the setting \(key) is in the table")
        guard let entry = entries[key] else { return nil }
        guard let value = read(entry.value) else { preconditionFailure("the setting \(key) is asked for with the type of the table") }
        return value
    }
}

extension SettingValues {
    /// One line per setting for `config show`: key, value (secrets masked) and source.
    package func listing() -> String {
        let rows = table.map { setting in
            (setting.key, entries[setting.key]?.value.shown ?? "(not set)", entries[setting.key]?.source.description ?? "")
        }
        let keyWidth = rows.map(\.0.count).max() ?? 0
        let valueWidth = min(48, rows.map(\.1.count).max() ?? 0)
        return rows.map { key, value, source in
            let line = pad(key, keyWidth) + "  " + (source.isEmpty ? value : pad(value, valueWidth) + "  " + source)
            return line + "\n"
        }.joined()
    }

    private func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
