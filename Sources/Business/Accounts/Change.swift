/// What becomes of a field that may be empty: an edit that does not name it keeps it, and one can also set it to nothing.
package enum Change<Value: Sendable>: Sendable {
    case keep
    case set(Value?)

    /// The field's new value.
    func applied(to value: Value?) -> Value? {
        switch self {
        case .keep: value
        case .set(let new): new
        }
    }
}
