internal import Glibc
internal import Lanes
internal import Settings

/// A role of the platform as a process of its own, from this very executable.
final class SpawnedRole: Sendable {
    let name: String
    let process: pid_t

    /// - Parameter words: the command and its options.
    init(_ name: String, _ words: [String]) throws {
        self.name = name
        let path = ProcessTable.link("/proc/self/exe")
        // Strings that outlive the call; the child has its own copy then.
        var arguments = ([path] + words).map { strdup($0) } + [nil]
        var environment = ProcessEnvironment.current.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for string in arguments + environment { free(string) } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // Standard output is the report's.
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        var process: pid_t = 0
        let status = posix_spawn(&process, path, &actions, nil, &arguments, &environment)
        guard status == 0 else { throw CommandFailure(.failure, "the role \(name) cannot be started (error \(status))") }
        self.process = process
    }

    /// False once it has ended, whatever the reason.
    var runs: Bool {
        var status: Int32 = 0
        return waitpid(process, &status, WNOHANG) == 0
    }

    /// Asks it to end, and insists after 40 s.
    func stop() {
        kill(process, SIGTERM)
        let deadline = ContinuousClock.now + .seconds(40)
        while runs {
            if ContinuousClock.now > deadline { kill(process, SIGKILL) }
            pause(.milliseconds(20))
        }
    }
}

/// A TCP port of the loopback that was free a moment ago.
func freePort() throws -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw CommandFailure(.failure, "no socket can be made (error \(errno))") }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
            bind(descriptor, pointer, length) == 0 ? getsockname(descriptor, pointer, &length) : -1
        }
    }
    guard status == 0 else { throw CommandFailure(.failure, "no port is free (error \(errno))") }
    return UInt16(bigEndian: address.sin_port)
}
