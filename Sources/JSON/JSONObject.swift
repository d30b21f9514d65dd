// The members of a JSON object: an array that keeps their order, and beyond sixteen of them an index by key. Nearly all objects are small, and
// comparing a handful of short strings is cheaper than one hash; but a hostile body of 100 000 members must not make the check for duplicates
// quadratic. Keys are compared as Swift strings, so two spellings of one Unicode text (é as one scalar or two) are the same key.

/// The members of a JSON object in their order; a lookup is by key, and a key stands once.
package struct JSONObject: Sendable {
    package struct Member: Sendable, Hashable {
        package var key: String
        package var value: JSONValue

        package init(key: String, value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    package private(set) var members: [Member] = []
    /// Where each key stands, kept only for large objects.
    private var positions: [String: Int]?

    private static let linearLimit = 16

    package init() {}

    /// An object of these pairs; of two with the same key the later value counts, at the place of the first.
    package init(_ pairs: some Sequence<(String, JSONValue)>) {
        for (key, value) in pairs { self[key] = value }
    }

    package var count: Int { members.count }
    package var isEmpty: Bool { members.isEmpty }
    package var keys: [String] { members.map(\.key) }

    package subscript(key: String) -> JSONValue? {
        get { position(of: key).map { members[$0].value } }
        set {
            guard let newValue else { return remove(key) }
            if let position = position(of: key) { members[position].value = newValue } else { add(key, newValue) }
        }
    }

    /// Adds a member at the end; false, and nothing changed, when the key is there already.
    @discardableResult
    package mutating func append(_ key: String, _ value: JSONValue) -> Bool {
        guard position(of: key) == nil else { return false }
        add(key, value)
        return true
    }

    private func position(of key: String) -> Int? {
        if let positions { return positions[key] }
        return members.firstIndex { $0.key == key }
    }

    private mutating func add(_ key: String, _ value: JSONValue) {
        members.append(Member(key: key, value: value))
        if positions != nil {
            positions?[key] = members.count - 1
        } else if members.count > Self.linearLimit {
            reindex()
        }
    }

    private mutating func remove(_ key: String) {
        guard let position = position(of: key) else { return }
        members.remove(at: position)
        reindex()
    }

    private mutating func reindex() {
        guard members.count > Self.linearLimit else {
            positions = nil
            return
        }
        var positions: [String: Int] = Dictionary(minimumCapacity: members.count * 2)
        for (position, member) in members.enumerated() { positions[member.key] = position }
        self.positions = positions
    }
}

extension JSONObject: Hashable {
    /// True when both have the same keys with equal values, in whatever order.
    package static func == (left: JSONObject, right: JSONObject) -> Bool {
        guard left.count == right.count else { return false }
        for (index, member) in left.members.enumerated() {
            let twin = right.members[index]
            if twin.key == member.key {
                guard twin.value == member.value else { return false }
            } else {
                guard let value = right[member.key], value == member.value else { return false }
            }
        }
        return true
    }

    package func hash(into hasher: inout Hasher) {
        var sum = 0
        for member in members { sum &+= member.hashValue }
        hasher.combine(members.count)
        hasher.combine(sum)
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
}
