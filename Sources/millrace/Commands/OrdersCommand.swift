internal import Business
internal import Bytes
internal import Clocks
internal import Crypto
internal import Glibc
internal import JSON
internal import Postgres
internal import Settings

/// Paid orders whose end nobody knows, at the console: it acts as the operator's staff, with the same rules and the same audit log as the API.
enum OrdersCommand: Command {
    static let name = "orders"
    static let summary = "list paid orders whose end nobody knows; show, release or complete one"
    static let usage = """
        list [--limit N] | show JOB | release JOB --reason TEXT | complete JOB --reason TEXT --delivery FILE

        FILE is JSON as POST /orders/{jobId}/complete takes it, without the reason; - reads it from standard input:
        {"reference": "plan_…", "credentials": {"username": "…", "password": "…", "host": "…", "httpPort": 8000}, "expiresAt": "2027-01-31T00:00:00Z"}
        """
    static let options = ["--limit", "--reason", "--delivery"]

    static func run(_ arguments: Arguments) throws {
        let platform = try Platform(arguments)
        let action = try arguments.word(0, "what to do: list, show, release or complete")
        guard ["list", "show", "release", "complete"].contains(action) else {
            throw CommandFailure.usage("orders has list, show, release and complete, not \"\(action)\"")
        }
        let id = try action == "list" ? nil : id(arguments)
        let reason = try ["release", "complete"].contains(action) ? reason(arguments) : ""
        let delivery = try action == "complete" ? delivery(arguments) : OrderDelivery()
        let business = try platform.business(platform.ledger(bell: nil))
        let connection = try Connection(platform.connection("cli"))
        let staff = try business.console.caller(on: connection)
        guard let id else { return try list(arguments, business, staff, connection) }
        let order = try connection.transaction { connection in
            switch action {
            case "release": try business.orders.release(id, reason: reason, by: staff, on: connection)
            case "complete": try business.orders.complete(id, as: delivery, reason: reason, by: staff, on: connection)
            default: try business.orders.find(id, by: staff, on: connection)
            }
        }
        if action == "show" || arguments.wantsJSON { return Output.json(order.json) }
        Output.line("\(id.text("job")) is \(order.state.rawValue); its plan \(order.planID.text("plan")) is \(order.planStatus.rawValue).")
    }

    private static func list(_ arguments: Arguments, _ business: Business, _ staff: Caller, _ connection: Connection) throws {
        let page = try business.orders.list(limit: arguments.number("--limit", default: 50), by: staff, on: connection)
        if arguments.wantsJSON { return Output.json(.array(page.items.map(\.json))) }
        Output.table(
            ["ORDER", "WHAT", "PROVIDER", "REFERENCE", "HELD", "SINCE", "ERROR", "LAST REQUEST"],
            page.items.map { order in
                let last = order.requests.first.map { "\($0.method) \($0.path) \($0.status.map(String.init) ?? "no answer")" }
                return [
                    order.id.text("job"), order.isExtension ? "extension" : "purchase", order.providerName, order.providerReference ?? "",
                    "\(order.amount) \(order.currency)", order.createdAt.text, order.errorCode ?? "", last ?? "",
                ]
            })
    }

    private static func id(_ arguments: Arguments) throws -> Identifier {
        let text = try arguments.word(1, "the order by its job, job_…")
        guard let id = Identifier(text, prefix: "job") else { throw CommandFailure.usage("\"\(text)\" is not the id of a job") }
        return id
    }

    private static func reason(_ arguments: Arguments) throws -> String {
        guard let reason = arguments.value("--reason") else { throw CommandFailure.usage("give the --reason; it stands in the audit log") }
        return reason
    }

    /// What was delivered; from a file, because a command line with a password in it is seen by everybody on the machine.
    private static func delivery(_ arguments: Arguments) throws -> OrderDelivery {
        guard let path = arguments.value("--delivery") else {
            throw CommandFailure.usage("give the --delivery: a JSON file, or - for standard input")
        }
        let text = try path == "-" ? Array(standardInput().utf8) : TextFile.read(path)
        do {
            let document = try JSONValue(parsing: text)
            try DeliveryDocument.refuseStrangers(in: document)
            return try document.decode(DeliveryDocument.self).delivery
        } catch let error as JSONError {
            throw CommandFailure.usage("\(path == "-" ? "standard input" : path): \(error)")
        }
    }

    private static func standardInput() -> String {
        var text = ""
        while let line = readLine(strippingNewline: false) { text += line }
        return text
    }
}

/// The file of `--delivery`.
private struct DeliveryDocument: Decodable {
    struct Credentials: Decodable {
        var username: String
        var password: String
        var host: String
        var httpPort: Int?
        var socksPort: Int?
    }

    var reference: String?
    var credentials: Credentials?
    var quotaBytes: Int64?
    var expiresAt: String?

    /// A misspelt member would be a plan without an end.
    static func refuseStrangers(in document: JSONValue) throws(CommandFailure) {
        for (object, known) in [
            (document, ["reference", "credentials", "quotaBytes", "expiresAt"]),
            (document["credentials"] ?? .null, ["username", "password", "host", "httpPort", "socksPort"]),
        ] {
            for key in object.object?.keys ?? [] where !known.contains(key) {
                throw .usage("a delivery has no member \"\(key)\"" + Suggestion.hint(key, known))
            }
        }
    }

    var delivery: OrderDelivery {
        get throws {
            let end = try expiresAt.map { text in
                guard let time = Instant(text) else {
                    throw CommandFailure.usage("expiresAt is a time such as 2027-01-31T00:00:00Z, not \"\(text)\"")
                }
                return time
            }
            let credentials = credentials.map {
                PlanCredentials(
                    username: $0.username, password: Crypto.Secret($0.password), host: $0.host, httpPort: $0.httpPort, socksPort: $0.socksPort)
            }
            return OrderDelivery(reference: reference, credentials: credentials, quotaBytes: quotaBytes, expiresAt: end)
        }
    }
}
