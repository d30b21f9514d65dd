import Glibc

/// A TLS end in front of the broker, made of openssl's certificates and Python's ssl module: neither is the library that we speak TLS with through
/// librabbitmq alone, so an accepted connection is more than agreement with ourselves.
///
/// It has a certificate authority of its own and a certificate for `localhost`.
final class TLSProxy: Sendable {
    struct Failed: Error {
        let step: String
    }

    static let isAvailable = access("/usr/bin/openssl", X_OK) == 0 && access("/usr/bin/python3", X_OK) == 0

    let port: UInt16
    /// The file of the authority that signed the proxy's certificate, and of another one that did not.
    let authority: String
    let stranger: String
    private let folder: String
    private let process: pid_t

    private static let program = """
        import asyncio, os, ssl, sys, threading
        folder, target = sys.argv[1], int(sys.argv[2])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder + '/server.pem', folder + '/server.key')
        async def pump(reader, writer):
            try:
                while data := await reader.read(65536):
                    writer.write(data)
                    await writer.drain()
            except OSError:
                pass
            finally:
                writer.close()
        async def serve(reader, writer):
            inner, outer = await asyncio.open_connection('127.0.0.1', target)
            await asyncio.gather(pump(reader, outer), pump(inner, writer))
        async def main():
            server = await asyncio.start_server(serve, '127.0.0.1', 0, ssl=context)
            print(server.sockets[0].getsockname()[1], flush=True)
            await server.serve_forever()
        # Ends with the test, however that ends.
        threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
        asyncio.run(main())
        """

    private let input: Int32

    /// Blocks while the tools work.
    init(to target: UInt16) throws {
        var template = Array("/tmp/millrace-amqps-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failed(step: "folder") }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        authority = folder + "/ca.pem"
        stranger = folder + "/stranger.pem"
        let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        for (name, key) in [(authority, "/ca.key"), (stranger, "/stranger.key")] {
            try Self.run(["openssl", "req", "-x509", "-subj", "/CN=Test authority", "-keyout", folder + key, "-out", name] + newKey)
        }
        let names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=CA:FALSE"]
        let files = ["-keyout", folder + "/server.key", "-out", folder + "/server.pem", "-CA", authority, "-CAkey", folder + "/ca.key"]
        try Self.run(["openssl", "req", "-x509"] + names + files + newKey)
        var (output, words): ([Int32], [Int32]) = ([0, 0], [0, 0])
        guard pipe(&output) == 0, pipe(&words) == 0 else { throw Failed(step: "pipe") }
        // A copy in another test's child would keep the proxy alive when this process dies.
        for descriptor in output + words { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        process = try Self.spawn(["python3", "-c", Self.program, folder, "\(target)"], input: words[0], output: output[1])
        close(output[1])
        close(words[0])
        input = words[1]
        defer { close(output[0]) }
        var digits = ""
        var byte: UInt8 = 0
        while read(output[0], &byte, 1) == 1, byte != UInt8(ascii: "\n") { digits.unicodeScalars.append(Unicode.Scalar(byte)) }
        guard let port = UInt16(digits) else { throw Failed(step: "python3") }
        self.port = port
    }

    deinit {
        close(input)
        kill(process, SIGKILL)
        waitpid(process, nil, 0)
        for name in ["ca.pem", "ca.key", "stranger.pem", "stranger.key", "server.pem", "server.key"] { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }

    private static func run(_ words: [String]) throws {
        var status: Int32 = 0
        waitpid(try spawn(words, input: nil, output: nil), &status, 0)
        if status != 0 { throw Failed(step: words.joined(separator: " ")) }
    }

    private static func spawn(_ words: [String], input: Int32?, output: Int32?) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (descriptor, given, flags) in [(Int32(0), input, O_RDONLY), (1, output, O_WRONLY)] {
            if let given {
                posix_spawn_file_actions_adddup2(&actions, given, descriptor)
            } else {
                posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", flags, 0)
            }
        }
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var arguments = words.map { strdup($0) } + [nil]
        defer { for word in arguments { free(word) } }
        var process: pid_t = 0
        guard posix_spawn(&process, "/usr/bin/\(words[0])", &actions, nil, &arguments, environ) == 0 else { throw Failed(step: "spawn") }
        return process
    }
}
