internal import Foundation

/// Reads the text files of a folder, always in the same order.
enum Folder {
    /// Every file with the extension that lies in a folder called `name`, anywhere below `root`, sorted by path.
    static func files(ending suffix: String, inFoldersNamed name: String, below root: URL) -> [URL] {
        let walk = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil, options: [.skipsHiddenFiles])
        var found: [URL] = []
        while let url = walk?.nextObject() as? URL {
            if url.pathExtension == suffix, url.deletingLastPathComponent().lastPathComponent == name { found.append(url) }
        }
        return found.sorted { $0.path < $1.path }
    }

    /// The files with the extension directly in `folder`, sorted; none if the folder does not exist.
    static func files(ending suffix: String, in folder: URL) -> [URL] {
        let all = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil, options: [.skipsHiddenFiles])) ?? []
        return all.filter { $0.pathExtension == suffix }.sorted { $0.path < $1.path }
    }

    /// The text with Unix line endings.
    static func text(of file: URL) throws -> String {
        guard let text = String(bytes: try Data(contentsOf: file), encoding: .utf8) else {
            throw Mistake(file: file, line: 1, message: "not UTF-8")
        }
        return text.replacing("\r\n", with: "\n")
    }
}
