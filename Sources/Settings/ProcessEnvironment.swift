/// The environment that this process was started with.
package enum ProcessEnvironment {
    /// Read from /proc, because the C library's `environ` is a global that other threads may change under the reader.
    package static var current: [String: String] {
        guard let bytes = try? TextFile.read("/proc/self/environ") else { return [:] }
        var variables: [String: String] = [:]
        for entry in bytes.split(separator: 0) {
            guard let equals = entry.firstIndex(of: UInt8(ascii: "=")) else { continue }
            variables[String(decoding: entry[..<equals], as: UTF8.self)] = String(decoding: entry[(equals + 1)...], as: UTF8.self)
        }
        return variables
    }
}
