internal import Glibc

/// Runs a program that we have not written, and returns its exit code and what it printed.
///
/// Blocks its thread.
func run(_ arguments: String...) throws -> (code: Int32, output: String) {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw WireError(description: "no pipe") }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_addclose(&actions, ends[0])
    posix_spawn_file_actions_addclose(&actions, ends[1])
    var pointers = arguments.map { strdup($0) }
    pointers.append(nil)
    defer { for pointer in pointers { free(pointer) } }
    var process = pid_t()
    let status = posix_spawnp(&process, arguments[0], &actions, nil, &pointers, environ)
    close(ends[1])
    defer { close(ends[0]) }
    guard status == 0 else { throw WireError(description: "\(arguments[0]) did not start: \(status)") }
    var output: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65536)
    while true {
        let count = read(ends[0], &piece, piece.count)
        if count <= 0 { break }
        output += piece[..<count]
    }
    var result: Int32 = 0
    waitpid(process, &result, 0)
    return ((result >> 8) & 0xFF, String(decoding: output, as: UTF8.self))
}

/// A folder below the system's temporary one, removed with the last reference.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/millrace-http-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw WireError(description: "no temporary folder") }
        path = String(cString: made)
    }

    deinit { _ = try? run("rm", "-rf", path) }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        let descriptor = open(path + "/" + name, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        guard descriptor >= 0 else { throw WireError(description: "cannot write \(name)") }
        defer { close(descriptor) }
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw WireError(description: "cannot write \(name)") }
    }

    func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }
}
