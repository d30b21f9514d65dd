internal import Bytes
package import Clocks
package import JSON

extension JobDefinition {
    /// The key under which a job of this kind is unique, nil for kinds that are not.
    ///
    /// `q:` is unique among queued jobs, `r:` among queued and running ones (the partial index reads the prefix). The fields' values are kept as they
    /// are when short, so that an operator can read the key, and by their hash when long.
    package func uniqueKey(of payload: JSONValue, at now: Instant) -> String? {
        guard let unique else { return nil }
        var key = unique.states == .queued ? "q:" : "r:"
        key += kind
        if let window = unique.window, window.microseconds > 0 { key += "@\(now.microseconds / window.microseconds)" }
        for field in unique.by { key += "|" + String(decoding: (payload[field] ?? .null).canonical(), as: UTF8.self) }
        return key.utf8.count <= 500 ? key : String(key.prefix(60)) + "#" + String(FNV1a.hash(key), radix: 16)
    }
}
