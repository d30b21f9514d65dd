internal import Bytes
package import Clocks
internal import Crypto
package import Postgres

/// How often somebody may try to log in.
package struct LoginLimits: Sendable {
    /// Tries from one address: one who has many names and few passwords.
    package var perAddress = 30
    /// Tries for one user name, from anywhere: one who has many addresses.
    package var perUsername = 10
    package var window: Duration = .seconds(15 * 60)

    package init() {}
}

extension RateLimits {
    /// Counts a try to log in, before the password is looked at.
    ///
    /// A name that nobody has is counted like any other, so the limit does not tell which names exist. The name is stored as a hash: people type
    /// passwords into the wrong field.
    /// - Throws: `too_many_logins` with `retryAfter`.
    package func takeLogin(
        username: String, from origin: Origin, limits: LoginLimits = LoginLimits(), on connection: Connection, now: Instant? = nil
    ) throws {
        let digest = Hex.encode(SHA256.hash(FieldText.normalized(username: username)).prefix(16))
        for (key, limit) in [("login:ip:" + origin.limitKey, limits.perAddress), ("login:name:" + digest, limits.perUsername)] {
            let state = try take(key, limit: limit, window: limits.window, on: connection, now: now)
            guard state.allowed else {
                throw BusinessError(
                    .tooManyRequests, "too_many_logins", "Too many attempts to log in; wait before you try again.", retryAfter: state.resetAfter)
            }
        }
    }
}
