internal import Glibc
internal import Settings

/// The definition files of a folder given at start.
enum DefinitionFolder {
    /// All `*.json` of the folder, sorted by name.
    static func read(_ path: String) throws -> [(file: String, text: String)] {
        guard let folder = opendir(path) else { throw CommandFailure(.configuration, "the folder \(path) cannot be read") }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".json") { names.append(name) }
        }
        return try names.sorted().map { name in
            do {
                return (name, String(decoding: try TextFile.read(path + "/" + name), as: UTF8.self))
            } catch {
                throw CommandFailure(.configuration, "\(path)/\(name): \(error)")
            }
        }
    }
}
