package import Crypto
package import HTTPClient
package import HTTPServer
package import Settings

/// What the API is started with.
package struct APISettings: Sendable {
    package var server = ServerSettings()
    /// Our own origin, when it is not what requests call us by.
    package var publicURL: String?
    /// Origins beside our own whose pages may call us.
    package var origins: [String] = []
    package var trustedProxies: [Network] = []
    package var secureCookies = true
    /// Requests per minute and client address; 0 for no limit.
    package var rateLimit = 300
    /// Attempts to log in per minute and client address, and per user name; 0 for no limit.
    package var loginRateLimit = 10
    package var tokens: JSONWebToken
    /// How often the live events are looked for.
    package var eventInterval: Duration = .milliseconds(500)
    /// How long a stream of events lasts before its client has to connect again.
    package var eventStreamLifetime: Duration = .seconds(15 * 60)

    package init(tokens: JSONWebToken) {
        self.tokens = tokens
        server.requestTimeLimit = .seconds(40)
    }

    /// From the settings of a process.
    ///
    /// - Throws: what is wrong with a key, a network or a certificate's file.
    package init(_ settings: MillraceSettings) throws {
        guard let key = settings.security.tokenKey else { throw CryptoError(.invalidInput, "security.tokenKey is required") }
        self.init(tokens: try JSONWebToken(keys: [Crypto.Secret(Array(key.reveal.utf8))]))
        let api = settings.api
        server.address = api.address
        server.port = UInt16(api.port)
        server.threads = api.threads
        server.maxBodyBytes = api.bodyLimit
        server.connectionLimit = api.connections
        server.idleTimeout = api.idleTimeout
        if let tls = api.tls {
            server.tls = ServerSettings.TLS(
                certificate: String(decoding: try TextFile.read(tls.certificate), as: UTF8.self),
                key: String(decoding: try TextFile.read(tls.key), as: UTF8.self))
        }
        publicURL = api.publicURL?.reveal
        origins = api.origins
        trustedProxies = try api.trustedProxies.map { try Network($0) }
        secureCookies = api.secureCookies
        rateLimit = api.rateLimit
        loginRateLimit = api.loginRateLimit
    }
}
