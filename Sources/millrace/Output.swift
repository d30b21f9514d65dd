internal import Glibc
internal import JSON

/// What a command says: results to standard output, complaints to standard error.
enum Output {
    static func line(_ text: String = "") { write(text + "\n", to: STDOUT_FILENO) }

    static func complaint(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

    static func json(_ value: JSONValue) { line(value.prettyText) }

    static func table(_ header: [String], _ rows: [[String]]) {
        for row in columns(header, rows) { line(row) }
    }

    /// Columns as wide as their widest cell; numbers should come as text already.
    static func columns(_ header: [String], _ rows: [[String]]) -> [String] {
        let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
        return ([header] + rows).map { row in
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            var text = cells.joined(separator: "  ")
            while text.hasSuffix(" ") { text.removeLast() }
            return text
        }
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written > 0 { rest = rest.dropFirst(written) } else if written < 0, errno == EINTR { continue } else { return }
        }
    }
}
