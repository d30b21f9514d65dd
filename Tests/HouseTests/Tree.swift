internal import FoundationEssentials

/// The files of the package as they lie on disk; nothing is built or asked of git.
struct Tree {
    struct File {
        /// From the package's folder: `Sources/Bytes/Identifier.swift`.
        let path: String
        let text: String

        var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
        var name: String { String(path.split(separator: "/").last ?? "") }
        var stem: String { String(name.split(separator: ".").first ?? "") }
    }

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Made by tools, never committed (`.gitignore`).
    private static let skipped: Set<String> = [".build", ".git", ".swiftpm", ".venv", "__pycache__", "node_modules", "dist"]

    /// Every text file below the folder, sorted by path; files that are not UTF-8 are left out.
    static func files(below folder: String = "", ending suffix: String = "") -> [File] {
        var found: [File] = []
        visit(folder, suffix, &found)
        return found.sorted { $0.path < $1.path }
    }

    static func file(_ path: String) -> File? {
        guard let data = FileManager.default.contents(atPath: root.appending(path: path).path), let text = String(validating: data, as: UTF8.self)
        else {
            return nil
        }
        return File(path: path, text: text)
    }

    /// The names in a folder; none if there is no such folder.
    static func names(in folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path)) ?? []).sorted()
    }

    private static func visit(_ folder: String, _ suffix: String, _ found: inout [File]) {
        for name in names(in: folder) where !skipped.contains(name) {
            let path = folder.isEmpty ? name : "\(folder)/\(name)"
            var isFolder = false
            guard FileManager.default.fileExists(atPath: root.appending(path: path).path, isDirectory: &isFolder) else { continue }
            if isFolder {
                visit(path, suffix, &found)
            } else if suffix.isEmpty || name.hasSuffix(suffix), let file = file(path) {
                found.append(file)
            }
        }
    }
}
