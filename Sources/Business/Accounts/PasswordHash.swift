package import Crypto

/// A new password, already hashed.
///
/// Hashing costs a quarter of a second of processor time, by intention. So it is a step of its own: made on a lane before the transaction begins, and what
/// changes the database takes only the finished hash; no lock is ever held while bcrypt runs.
package struct PasswordHash: Sendable {
    let text: Secret<String>

    package static let shortest = 8

    /// Checks and hashes a password.
    ///
    /// Slow; not inside of a transaction.
    ///
    /// - Throws: `weak_password` for fewer than eight characters, more than 1024 bytes, a NUL byte, or one character repeated.
    package init(_ password: Secret<String>, cost: Int, field: String = "/password") throws(BusinessError) {
        guard password.reveal.count >= Self.shortest, Set(password.reveal).count > 1 else {
            throw BusinessError(
                .invalid, "weak_password", "A password has at least \(Self.shortest) characters, and not always the same one.", field: field)
        }
        do {
            text = Secret(try Password.hash(password.reveal, cost: cost))
        } catch {
            guard error.kind == .invalidInput else {
                throw BusinessError(.unavailable, "password_not_hashed", "The password could not be stored; try again.")
            }
            throw BusinessError(.invalid, "weak_password", "A password has at most \(Password.longest) bytes and no NUL byte.", field: field)
        }
    }
}

extension Business {
    /// Checks and hashes a password at the configured cost.
    ///
    /// Slow; not inside of a transaction.
    package func hash(password: Secret<String>, field: String = "/password") throws(BusinessError) -> PasswordHash {
        try PasswordHash(password, cost: rules.passwordCost, field: field)
    }
}
