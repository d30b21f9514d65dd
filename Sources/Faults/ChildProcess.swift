internal import Glibc
internal import Lanes
internal import Synchronization

/// A process of the executable `millrace`, or of another program, that a test or a trial starts, harms and ends.
///
/// It gets the environment that it is given and nothing else, none of the starter's descriptors and no blocked signal. What it writes is kept. A thread of
/// its own starts it, reads what it says and reaps it; that thread is also the one whose death would kill it (`setpriv --pdeathsig`), so that no process
/// outlives a starter that crashed.
package final class ChildProcess: Sendable {
    /// How a process ended.
    package enum Ending: Equatable, Sendable {
        case code(Int32)
        case signal(Int32)
    }

    private struct State {
        var id: pid_t?
        var output: [UInt8] = []
        var log: [UInt8] = []
        var ending: Ending?
    }

    package let name: String
    private let state = Mutex(State())
    private let started = Mailbox<Int32>()

    /// Starts the program.
    ///
    /// - Throws: `NotStarted`, with the system's error number.
    package init(_ name: String, program: String, arguments: [String], environment: [String: String]) throws {
        self.name = name
        _ = Thread("p-\(name)") { [self] in live(program, arguments, environment) }
        let error = started.take() ?? 0
        guard error == 0 else { throw NotStarted(program: program, error: error) }
    }

    package struct NotStarted: Error, CustomStringConvertible {
        let program: String
        let error: Int32

        package var description: String { "\(program) did not start: error \(error)" }
    }

    /// Nil while it lives.
    package var ending: Ending? { state.withLock { $0.ending } }

    package var id: Int32 { state.withLock { $0.id } ?? 0 }

    /// What it has written to standard output.
    package var output: String { String(decoding: state.withLock { $0.output }, as: UTF8.self) }

    /// What it has written to standard error: its log.
    package var log: String { String(decoding: state.withLock { $0.log }, as: UTF8.self) }

    /// Sends a signal; nothing happens when the process has ended.
    package func signal(_ number: Int32) {
        state.withLock { state in
            if let id = state.id, state.ending == nil { kill(id, number) }
        }
    }

    /// Waits for its end; nil when the time was over first.
    ///
    /// Blocks the calling thread.
    @discardableResult
    package func wait(within limit: Duration) -> Ending? {
        let deadline = ContinuousClock.now + limit
        while ending == nil, ContinuousClock.now < deadline { pause(.milliseconds(2)) }
        return ending
    }

    // MARK: - The thread

    private func live(_ program: String, _ arguments: [String], _ environment: [String: String]) {
        var (output, log): ([Int32], [Int32]) = ([-1, -1], [-1, -1])
        guard pipe(&output) == 0, pipe(&log) == 0 else { return _ = started.put(errno) }
        for descriptor in output + log { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        let words = ["/usr/bin/setpriv", "--pdeathsig", "KILL", "--", program] + arguments
        var id = pid_t()
        let error = Self.spawn(words, environment.map { "\($0)=\($1)" }, output: output[1], log: log[1], into: &id)
        close(output[1])
        close(log[1])
        if error == 0 { state.withLock { $0.id = id } }
        started.put(error)
        if error == 0 {
            read(output[0], log[0])
            reap(id)
        }
        close(output[0])
        close(log[0])
    }

    private static func spawn(_ words: [String], _ environment: [String], output: Int32, log: Int32, into id: inout pid_t) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, log, 2)
        // A copy of another's socket would keep that connection open.
        for descriptor in 3..<Int32(4096) { posix_spawn_file_actions_addclose(&actions, descriptor) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var (none, all) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var arguments = words.map { strdup($0) } + [nil]
        var variables = environment.map { strdup($0) } + [nil]
        defer { for pointer in arguments + variables { free(pointer) } }
        return posix_spawn(&id, words[0], &actions, &attributes, &arguments, &variables)
    }

    /// Until both pipes have ended, which is when the process has.
    private func read(_ output: Int32, _ log: Int32) {
        var pipes = [pollfd(fd: output, events: Int16(POLLIN), revents: 0), pollfd(fd: log, events: Int16(POLLIN), revents: 0)]
        var piece = [UInt8](repeating: 0, count: 65536)
        while pipes.contains(where: { $0.fd >= 0 }) {
            guard poll(&pipes, 2, -1) > 0 else { continue }
            for index in pipes.indices where pipes[index].fd >= 0 && pipes[index].revents != 0 {
                let count = Glibc.read(pipes[index].fd, &piece, piece.count)
                guard count > 0 else {
                    pipes[index].fd = -1
                    continue
                }
                state.withLock { state in
                    if index == 0 { state.output += piece[..<count] } else { state.log += piece[..<count] }
                }
            }
        }
    }

    /// The number is given back under the lock: no signal can hit a process that got the same number afterwards.
    private func reap(_ id: pid_t) {
        var info = siginfo_t()
        while waitid(P_PID, id_t(id), &info, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        state.withLock { state in
            var status: Int32 = 0
            waitpid(id, &status, 0)
            let signal = status & 0x7F
            state.ending = signal == 0 ? .code((status >> 8) & 0xFF) : .signal(signal)
        }
    }
}
