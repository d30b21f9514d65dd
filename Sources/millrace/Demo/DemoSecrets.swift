internal import Crypto
internal import Glibc
internal import JSON
internal import Settings

/// The passwords of the demo's users: made once, at random, kept in a file that only this user reads, so that a second run finds its users again.
struct DemoSecrets {
    static let admin = "admin"
    static let reseller = "demo-reseller"

    private let path: String
    private var passwords: JSONObject

    init(folder: String) throws {
        path = folder + "/demo.json"
        if let bytes = try? TextFile.read(path), let object = try JSONValue(parsing: bytes).object {
            passwords = object
        } else {
            passwords = JSONObject()
        }
    }

    /// The password of a user, made when there is none.
    mutating func password(of user: String) -> String {
        if let known = passwords[user]?.string { return known }
        let fresh = Token.make(prefix: "", bytes: 16).reveal
        passwords[user] = .string(fresh)
        return fresh
    }

    /// Writes the file, mode 0600.
    func save() throws {
        let bytes = JSONValue.object(passwords).serialized()
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0, write(file, bytes, bytes.count) == bytes.count, close(file) == 0 else {
            throw CommandFailure(.failure, "\(path) cannot be written")
        }
    }
}
