internal import Business
internal import Crypto
internal import Engine
internal import Postgres
internal import Settings

enum UserCommand: Command {
    static let name = "user"
    static let summary = "make the operator with its first super admin, or give a user a new password"
    static let usage = "create USERNAME [--currency USD] | reset-password USERNAME"
    static let options = ["--currency"]

    static func run(_ arguments: Arguments) throws {
        let platform = try Platform(arguments, roles: [.api])
        let action = try arguments.word(0, "what to do: create or reset-password")
        let username = try arguments.word(1, "the user's name")
        let password = Token.make(prefix: "", bytes: 16).reveal
        switch action {
        case "create":
            let made = try OperatorAccount.ensure(platform, username: username, password: password, currency: arguments.value("--currency") ?? "USD")
            guard made else { throw CommandFailure(.failure, "there is an operator already; its users make further ones in the API") }
        case "reset-password":
            let business = try platform.business(platform.ledger(bell: nil))
            let hash = try business.hash(password: Secret(password))
            try Connection(platform.connection("user")).transaction { connection in
                let user = try business.console.user(named: username, on: connection)
                try business.users.resetPassword(of: user, to: hash, by: business.console.caller(on: connection), on: connection)
            }
        default: throw CommandFailure.usage("user has create and reset-password, not \"\(action)\"")
        }
        // Said once, to the terminal of whoever has the database's password.
        Output.line("\(username)  \(password)")
    }
}
