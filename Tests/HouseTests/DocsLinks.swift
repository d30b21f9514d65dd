/// The links of a Markdown document that stay in the repository.
enum DocsLinks {
    /// Where a link leads: the path from the package's folder, and the heading.
    struct Target {
        let path: String
        let anchor: String?
    }

    static let documents = Tree.files(below: "docs", ending: ".md") + Tree.names(in: "").filter { $0.hasSuffix(".md") }.compactMap { Tree.file($0) }

    /// Links outside of code; addresses of the web are left out.
    static func targets(of file: Tree.File) -> [Target] {
        prose(file.text).matches(of: /\]\(([^()\s]+)\)/).map { String($0.output.1) }.filter { !$0.contains("://") && !$0.hasPrefix("mailto:") }.map {
            link in
            let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let path = parts[0].isEmpty ? file.path : resolved(parts[0], from: file.path)
            return Target(path: path, anchor: parts.count == 2 ? parts[1] : nil)
        }
    }

    /// The anchors of a document's headings, as GitHub makes them.
    static func anchors(of text: String) -> Set<String> {
        Set(prose(text).split(separator: "\n").filter { $0.hasPrefix("#") }.map { anchor(of: $0.drop { $0 == "#" }.dropFirst()) })
    }

    static func anchor(of heading: Substring) -> String {
        String(heading.lowercased().compactMap { $0 == " " ? "-" : $0.isLetter || $0.isNumber || "-_".contains($0) ? $0 : nil })
    }

    /// The text without its blocks of code.
    static func prose(_ text: String) -> String {
        var isCode = false
        return text.split(separator: "\n", omittingEmptySubsequences: false).filter { line in
            if line.hasPrefix("```") { isCode.toggle() }
            return !isCode
        }.joined(separator: "\n")
    }

    static func resolved(_ link: String, from path: String) -> String {
        var folders = path.split(separator: "/").dropLast().map(String.init)
        for part in link.split(separator: "/") {
            switch part {
            case ".": continue
            case "..": _ = folders.popLast()
            default: folders.append(String(part))
            }
        }
        return folders.joined(separator: "/")
    }
}
