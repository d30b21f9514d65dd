internal import JSON

/// The fields that an edit changed, before and after, as the audit log keeps them.
struct Difference {
    let before: JSONValue
    let after: JSONValue

    var isEmpty: Bool { before.object?.isEmpty ?? true }

    init(_ old: JSONValue, _ new: JSONValue, ignoring ignored: Set<String> = ["updatedAt"]) {
        let old = old.object ?? [:]
        let new = new.object ?? [:]
        var before: JSONObject = [:]
        var after: JSONObject = [:]
        let keys = old.keys + new.keys.filter { old[$0] == nil }
        for key in keys where !ignored.contains(key) && old[key] != new[key] {
            before[key] = old[key] ?? .null
            after[key] = new[key] ?? .null
        }
        self.before = .object(before)
        self.after = .object(after)
    }
}
