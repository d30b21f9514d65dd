import Glibc
import Lanes
import Synchronization

/// `openssl s_server` with a certificate authority of its own: it shows the certificate of hooks.example to those who ask for that name (SNI), and one for
/// another name to the rest, so an accepted certificate proves both the question and the check.
final class TLSServer: Sendable {
    struct Failed: Error {
        let step: String
    }

    static let isAvailable = access("/usr/bin/openssl", X_OK) == 0

    let port: UInt16
    let authority: String
    private let folder: String
    private let process: pid_t

    /// Blocks while the tool works; call it on a lane.
    init() throws {
        var template = Array("/tmp/millrace-tls-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failed(step: "folder") }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        authority = folder + "/ca.pem"
        let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        try Self.run(["req", "-x509", "-subj", "/CN=Test authority", "-keyout", folder + "/ca.key", "-out", authority] + newKey)
        for name in ["hooks.example", "other.example"] {
            let files = ["-keyout", "\(folder)/\(name).key", "-out", "\(folder)/\(name).pem", "-CA", authority, "-CAkey", folder + "/ca.key"]
            try Self.run(
                ["req", "-x509", "-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:\(name)", "-addext", "basicConstraints=CA:FALSE"] + files
                    + newKey)
        }
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw Failed(step: "pipe") }
        let certificates = ["-cert", "\(folder)/other.example.pem", "-key", "\(folder)/other.example.key"]
        let named = ["-servername", "hooks.example", "-cert2", "\(folder)/hooks.example.pem", "-key2", "\(folder)/hooks.example.key"]
        process = try Self.spawn(["s_server", "-accept", "127.0.0.1:0", "-www"] + certificates + named, output: ends[1])
        close(ends[1])
        defer { close(ends[0]) }
        port = try Self.readPort(ends[0])
    }

    deinit {
        kill(process, SIGKILL)
        waitpid(process, nil, 0)
        for name in ["ca.pem", "ca.key", "hooks.example.pem", "hooks.example.key", "other.example.pem", "other.example.key"] {
            unlink("\(folder)/\(name)")
        }
        rmdir(folder)
    }

    /// The tool says `ACCEPT 127.0.0.1:41234` when it listens.
    private static func readPort(_ descriptor: Int32) throws -> UInt16 {
        var output = ""
        var byte: UInt8 = 0
        while read(descriptor, &byte, 1) == 1 {
            guard byte == UInt8(ascii: "\n") else {
                output.unicodeScalars.append(Unicode.Scalar(byte))
                continue
            }
            if output.hasPrefix("ACCEPT "), let port = output.split(separator: ":").last.flatMap({ UInt16($0) }) { return port }
            output = ""
        }
        throw Failed(step: "s_server")
    }

    private static func run(_ arguments: [String]) throws {
        var status: Int32 = 0
        waitpid(try spawn(arguments, output: nil), &status, 0)
        if status != 0 { throw Failed(step: arguments[0]) }
    }

    private static func spawn(_ arguments: [String], output: Int32?) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        if let output {
            posix_spawn_file_actions_adddup2(&actions, output, 1)
        } else {
            posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        }
        var words = (["openssl"] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process: pid_t = 0
        guard posix_spawn(&process, "/usr/bin/openssl", &actions, nil, &words, environ) == 0 else { throw Failed(step: "spawn") }
        return process
    }
}
