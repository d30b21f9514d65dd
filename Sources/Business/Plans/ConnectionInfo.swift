internal import Bytes
internal import Crypto
package import JSON

/// Connection strings of a plan and examples that use them.
///
/// The user name and the password are percent-coded, so the URL holds nothing that a shell, Python or JavaScript would have to quote.
package struct ConnectionInfo: Sendable {
    /// Stands for the password where the caller may not see it.
    package static let placeholder = "PASSWORD"

    let username: String
    let password: Secret<String>?
    let host: String
    let httpPort: Int?
    let socksPort: Int?

    init(username: String, password: Secret<String>?, host: String, httpPort: Int?, socksPort: Int?) {
        self.username = username
        self.password = password
        self.host = host
        self.httpPort = httpPort
        self.socksPort = socksPort
    }

    init(_ credentials: PlanCredentials) {
        self.init(
            username: credentials.username, password: credentials.password, host: credentials.host, httpPort: credentials.httpPort,
            socksPort: credentials.socksPort)
    }

    /// `http://user:password@host:port`.
    package var httpURL: String? { httpPort.map { url("http", port: $0) } }

    /// `socks5h://…`: the name is looked up at the far end.
    package var socksURL: String? { socksPort.map { url("socks5h", port: $0) } }

    private func url(_ scheme: String, port: Int) -> String {
        let secret = password.map { PercentCoding.encode($0.reveal) } ?? Self.placeholder
        let literal = host.contains(":") ? "[\(host)]" : host
        return "\(scheme)://\(PercentCoding.encode(username)):\(secret)@\(literal):\(port)"
    }

    /// The answer to whoever asked; holds the password where they may see it.
    package var json: JSONValue {
        var object: JSONObject = ["host": .string(host), "username": .string(username), "passwordIncluded": .bool(password != nil)]
        object["password"] = password.map { .string($0.reveal) }
        object["httpPort"] = httpPort.map { .int(Int64($0)) }
        object["socksPort"] = socksPort.map { .int(Int64($0)) }
        object["http"] = httpURL.map(JSONValue.string)
        object["socks5"] = socksURL.map(JSONValue.string)
        if let url = httpURL ?? socksURL {
            object["examples"] = ["curl": .string(Self.curl(url)), "python": .string(Self.python(url)), "node": .string(Self.node(url))]
        }
        return .object(object)
    }

    private static let target = "https://example.com/"

    private static func curl(_ url: String) -> String { "curl -x '\(url)' \(target)" }

    private static func python(_ url: String) -> String {
        """
        import requests

        proxy = "\(url)"
        response = requests.get("\(target)", proxies={"http": proxy, "https": proxy}, timeout=30)
        print(response.status_code, response.text)
        """
    }

    private static func node(_ url: String) -> String {
        """
        import { ProxyAgent, fetch } from "undici";

        const dispatcher = new ProxyAgent("\(url)");
        const response = await fetch("\(target)", { dispatcher });
        console.log(response.status, await response.text());
        """
    }
}
