internal import Bytes
internal import Crypto

extension PlanCredentials {
    /// New credentials of a plan that is served here: `mr` and ten characters of Base32 (50 bits), and a password of 128 bits without characters that a
    /// URL or a shell would have to quote.
    static func native(_ rules: Rules) -> PlanCredentials {
        let name = Base32.encode(RandomBytes.make(7)).lowercased().prefix(10)
        return PlanCredentials(
            username: "mr" + name, password: Token.make(prefix: "", bytes: 16), host: rules.edgeHost, httpPort: rules.edgeHTTPPort,
            socksPort: rules.edgeSOCKSPort)
    }
}
