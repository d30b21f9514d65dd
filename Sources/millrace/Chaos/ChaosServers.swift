internal import Faults
internal import Settings

/// PostgreSQL and RabbitMQ as things that can be killed and started.
///
/// A command knows how they run here:
///
///     COMMAND kill database · COMMAND start database · COMMAND kill broker · COMMAND wipe broker · COMMAND start broker
///
/// `bin/chaos` brings one for the private servers that it starts; for a staging of one's own, write one.
struct ChaosServers: Sendable {
    enum Server: String {
        case database
        case broker
    }

    let command: String

    func kill(_ server: Server) throws { try run("kill", server) }
    func wipe(_ server: Server) throws { try run("wipe", server) }

    /// Returns when it answers.
    func start(_ server: Server) throws { try run("start", server) }

    private func run(_ verb: String, _ server: Server) throws {
        // The command gets what this process has: paths and the folder of the servers.
        let process = try ChildProcess(
            "servers", program: command, arguments: [verb, server.rawValue], environment: ProcessEnvironment.current)
        guard process.wait(within: .seconds(120)) == .code(0) else {
            throw CommandFailure(.failure, "\(command) \(verb) \(server.rawValue) failed: \(process.log)")
        }
    }
}
