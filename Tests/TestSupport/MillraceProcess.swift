@_exported public import Faults
internal import Glibc

package typealias MillraceProcess = ChildProcess

extension ChildProcess {
    /// Waits for its end.
    @discardableResult
    package func end(within limit: Duration = .seconds(30)) async throws -> Ending {
        try await eventually("\(name) ends", within: limit) { ending != nil }
        return ending ?? .code(-1)
    }

    /// Kills it and waits until it is gone.
    package func destroy() async throws {
        signal(SIGKILL)
        try await end()
    }

    /// Waits until its log holds the text, `times` times.
    package func says(_ text: String, times: Int = 1, within limit: Duration = .seconds(30)) async throws {
        try await eventually("\(name) says \"\(text)\" × \(times)", within: limit) {
            let count = log.split(separator: "\n").count { $0.contains(text) }
            if count < times, let ending { throw EndedEarly(name: name, ending: ending, waitedFor: text) }
            return count >= times
        }
    }

    package struct EndedEarly: Error, CustomStringConvertible {
        let name: String
        let ending: Ending
        let waitedFor: String

        package var description: String { "\(name) ended with \(ending) before it said \"\(waitedFor)\"" }
    }
}
