/// Where a value comes from; the first of these that has one decides.
package enum SettingSource: Sendable, Hashable, CustomStringConvertible {
    case commandLine
    case environment(String)
    /// The file that an environment variable named.
    case environmentFile(String, path: String)
    /// The configuration file, and where in it (a JSON Pointer).
    case file(String, pointer: String)
    case fallback

    package var description: String {
        switch self {
        case .commandLine: "command line"
        case .environment(let name): name
        case .environmentFile(let name, let path): "\(name) (\(path))"
        case .file(let path, let pointer): pointer.isEmpty ? path : "\(path)#\(pointer)"
        case .fallback: "default"
        }
    }
}
