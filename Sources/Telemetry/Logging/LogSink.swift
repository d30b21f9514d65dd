internal import Glibc

/// Where records go: standard error, or a list in a test.
package typealias LogSink = @Sendable (LogRecord) -> Void

/// How a line is written; the setting `log.format`.
package enum LogFormat: String, Sendable, CaseIterable {
    case json, text

    /// Writes records to standard error, one write(2) per line, so that lines of several threads and processes do not mix.
    package var standardError: LogSink {
        { record in
            let line = self == .json ? record.jsonLine : record.textLine
            var rest = line[...]
            while !rest.isEmpty {
                let written = rest.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
                if written > 0 {
                    rest = rest.dropFirst(written)
                } else if written < 0, errno == EINTR {
                    continue
                } else {
                    // Nobody reads the log any more; the work matters more than the line.
                    return
                }
            }
        }
    }
}
