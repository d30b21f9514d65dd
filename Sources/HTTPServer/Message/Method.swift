/// A request method.
///
/// Methods are case-sensitive: `get` is not `GET` (RFC 9110, section 9.1).
package enum Method: Hashable, Sendable {
    case get, head, post, put, patch, delete, options
    /// Any other token, as the client sent it.
    case other(String)

    package init(_ text: String) {
        switch text {
        case "GET": self = .get
        case "HEAD": self = .head
        case "POST": self = .post
        case "PUT": self = .put
        case "PATCH": self = .patch
        case "DELETE": self = .delete
        case "OPTIONS": self = .options
        default: self = .other(text)
        }
    }

    /// The method as it stands in the request line.
    package var text: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .patch: "PATCH"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .other(let text): text
        }
    }
}

extension Method: CustomStringConvertible {
    package var description: String { text }
}
