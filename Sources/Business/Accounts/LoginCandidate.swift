internal import Bytes
package import Crypto

/// Who might be logging in: the user of a name, or nobody.
///
/// A login has three steps, because bcrypt takes a quarter of a second of processor time and must hold neither a transaction nor a lock meanwhile:
/// `sessions.candidate` (one statement), `verify` (no database), `sessions.open` (a transaction). Types carry the order: only `verify` makes a
/// `VerifiedLogin`. For a name that nobody has the same work is done, so that the time does not tell which names exist.
package struct LoginCandidate: Sendable {
    let userID: Identifier?
    let hash: Secret<String>?
    /// bcrypt's cost for new hashes, and for the work done on nobody's behalf.
    let cost: Int

    /// Checks the password.
    ///
    /// Slow; not inside of a transaction.
    ///
    /// - Throws: `invalid_credentials`, the same for a wrong name and for a wrong password.
    package func verify(_ password: Secret<String>) throws(BusinessError) -> VerifiedLogin {
        guard let userID, let hash else {
            Password.verifyAgainstNothing(password.reveal, cost: cost)
            throw BusinessError.invalidCredentials
        }
        guard Password.verify(password.reveal, against: hash.reveal) else { throw BusinessError.invalidCredentials }
        // A hash of an earlier, lower cost is made anew while we have the password.
        let isWeak = Password.cost(of: hash.reveal).map { $0 < cost } ?? false
        let renewed = isWeak ? try? Password.hash(password.reveal, cost: cost) : nil
        return VerifiedLogin(userID: userID, hash: hash, renewed: renewed.map { Secret($0) })
    }
}

/// Somebody who has shown the right password; whether they may come in, `sessions.open` decides.
package struct VerifiedLogin: Sendable {
    let userID: Identifier
    /// The hash that the password was checked against: a login fails when it has changed in between.
    let hash: Secret<String>
    let renewed: Secret<String>?
}
