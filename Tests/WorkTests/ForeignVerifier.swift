import Bytes
import Crypto
import Glibc
import TestSupport

/// Other people's code that verifies what we signed.
enum ForeignVerifier {
    enum Library: String, CaseIterable, Sendable {
        case standardwebhooks, svix
        case seed
    }

    /// What the library says of a request: `accepted`, or why not.
    ///
    /// - Throws: `NoPython` when there is none with the libraries; a verification that is left out would look like one that went well.
    static func verdict(_ library: Library, _ request: Sink.Received, secret: WebhookSecret) async throws -> String {
        guard let python = getenv("MILLRACE_TEST_PYTHON") else { throw NoPython() }
        let fields = request.fields.filter { $0.name.lowercased().hasPrefix("webhook-") || $0.name.lowercased().hasPrefix("x-millrace-") }
        let arguments =
            [String(cString: python), Repository.root + "/Tests/SystemTests/Foreign/verify_webhook.py", library.rawValue, secret.text.reveal]
            + [Hex.encode(request.body)] + fields.map { "\($0.name):\($0.value)" }
        return await offPool { output(of: arguments) }
    }

    struct NoPython: Error, CustomStringConvertible {
        let description =
            "MILLRACE_TEST_PYTHON is not set: run bin/test, or set it to a Python with the packages of Tests/SystemTests/Foreign/requirements.txt"
    }

    private static func output(of arguments: [String]) -> String {
        let command = arguments.map { "'" + $0.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'" }
        guard let pipe = popen(command.joined(separator: " ") + " 2>&1", "r") else { return "python did not start" }
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case let count = fread(&buffer, 1, buffer.count, pipe), count > 0 { output += buffer.prefix(count) }
        pclose(pipe)
        while output.last == UInt8(ascii: "\n") { output.removeLast() }
        return String(decoding: output, as: UTF8.self)
    }
}
