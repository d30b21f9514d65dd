/// A value that was read and is right.
package enum SettingValue: Sendable, Hashable {
    case string(String)
    case int(Int)
    case duration(Duration)
    case size(Int)
    case bool(Bool)
    case list([String])
    case durations([Duration])
    case url(SettingURL)
    case secret(Secret)

    /// The value for a listing; secrets and passwords are masked.
    package var shown: String {
        switch self {
        case .string(let text): text.isEmpty ? "\"\"" : text
        case .int(let value): String(value)
        case .duration(let value): SettingDuration.text(value)
        case .size(let value): SettingSize.text(value)
        case .bool(let value): String(value)
        case .list(let values): values.isEmpty ? "(none)" : values.joined(separator: ",")
        case .durations(let values): values.isEmpty ? "(none)" : values.map(SettingDuration.text).joined(separator: ",")
        case .url(let url): url.description
        case .secret(let secret): secret.description
        }
    }
}
