package import Crypto
package import JSON

/// What a client of a plan logs in with.
package struct PlanCredentials: Sendable {
    package var username: String
    package var password: Secret<String>
    package var host: String
    package var httpPort: Int?
    package var socksPort: Int?

    package init(username: String, password: Secret<String>, host: String, httpPort: Int?, socksPort: Int?) {
        self.username = username
        self.password = password
        self.host = host
        self.httpPort = httpPort
        self.socksPort = socksPort
    }

    /// The answer to whoever may see it; never put it in an event, a job's result or the audit log.
    package var json: JSONValue {
        var object: JSONObject = ["username": .string(username), "password": .string(password.reveal), "host": .string(host)]
        object["httpPort"] = httpPort.map { .int(Int64($0)) }
        object["socksPort"] = socksPort.map { .int(Int64($0)) }
        return .object(object)
    }
}
