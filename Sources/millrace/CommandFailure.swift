internal import Business
internal import Engine
internal import Postgres
internal import RabbitMQ
internal import Settings

/// Why a command ended without doing what it should: a line for people, a code for scripts.
struct CommandFailure: Error {
    var code: ExitCode
    var message: String

    init(_ code: ExitCode, _ message: String) {
        self.code = code
        self.message = message
    }

    static func usage(_ message: String) -> CommandFailure { CommandFailure(.usage, message) }

    init(_ error: any Error) {
        switch error {
        case let error as CommandFailure: self = error
        case let error as SettingsError: self.init(.configuration, "\(error)")
        case let error as DefinitionError: self.init(.configuration, "definition files:\n\(error)")
        case let error as PostgresError where error.kind == .unreachable || error.isConnectionLoss:
            self.init(.unavailable, "the database cannot be reached: \(error.message)")
        case let error as BrokerError: self.init(.unavailable, "the broker: \(error)")
        case let error as BusinessError where error.kind == .notFound: self.init(.notFound, error.message)
        case let error as LedgerError where error.kind == .notFound: self.init(.notFound, error.message)
        default: self.init(.failure, String(describing: error))
        }
    }
}
