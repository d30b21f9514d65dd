/// Where a decoder or encoder stands: a list of keys from the inside out that shares its tail.
indirect enum JSONPath {
    case root
    case child(of: JSONPath, any CodingKey)

    var isRoot: Bool {
        guard case .root = self else { return false }
        return true
    }

    var keys: [any CodingKey] {
        var keys: [any CodingKey] = []
        var path = self
        while case .child(let parent, let key) = path {
            keys.append(key)
            path = parent
        }
        return keys.reversed()
    }

    /// The JSON Pointer of RFC 6901.
    var pointer: String { Self.pointer(keys) }

    static func pointer(_ keys: [any CodingKey]) -> String {
        keys.map { "/" + JSONPointer.escaped($0.stringValue) }.joined()
    }
}

/// The key of an array's element: its index.
struct JSONIndexKey: CodingKey {
    let index: Int

    init(_ index: Int) { self.index = index }
    init?(intValue: Int) { self.init(intValue) }
    init?(stringValue: String) { nil }

    var intValue: Int? { index }
    var stringValue: String { String(index) }
}

/// JSON Pointers, RFC 6901.
package enum JSONPointer {
    /// A key as one reference token (section 3).
    ///
    /// Foreign keys are cut and made printable, because a pointer ends in messages.
    package static func escaped(_ key: String) -> String {
        guard key.utf8.count > 64 || key.utf8.contains(where: { $0 < 0x20 || $0 == 0x7E || $0 == 0x2F || $0 >= 0x7F }) else { return key }
        var token = ""
        for character in Excerpt.plain(key, limit: 64).unicodeScalars {
            switch character {
            case "~": token += "~0"
            case "/": token += "~1"
            default: token.unicodeScalars.append(character)
            }
        }
        return token
    }
}
