/// Header fields in their order; names compare without case, and a name may occur more than once.
///
/// A list rather than a dictionary: a request has about ten fields, and looking through ten short names costs less than hashing one.
package struct Headers: Sendable, Hashable {
    package struct Field: Sendable, Hashable {
        package let name: String
        package let value: String
    }

    package private(set) var fields: [Field] = []

    package init() {}

    /// The first value of this name; setting replaces all values of the name, nil removes them.
    package subscript(name: String) -> String? {
        get { fields.first { $0.name.equalsWithoutCase(name) }?.value }
        set {
            fields.removeAll { $0.name.equalsWithoutCase(name) }
            if let newValue { add(name, newValue) }
        }
    }

    /// Every value of this name, in order.
    package func all(_ name: String) -> [String] {
        fields.filter { $0.name.equalsWithoutCase(name) }.map(\.value)
    }

    /// The members of a comma-separated list, over all fields of this name, without the spaces around them.
    package func list(_ name: String) -> [Substring] {
        fields.filter { $0.name.equalsWithoutCase(name) }
            .flatMap { $0.value.split(separator: ",") }
            .map { $0.trimmingSpaces() }
            .filter { !$0.isEmpty }
    }

    /// Adds a field and keeps those of the same name that are there.
    package mutating func add(_ name: String, _ value: String) {
        fields.append(Field(name: name, value: value))
    }

    package func contains(_ name: String) -> Bool {
        fields.contains { $0.name.equalsWithoutCase(name) }
    }
}

extension Headers: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, String)...) {
        fields = elements.map { Field(name: $0.0, value: $0.1) }
    }
}

extension Headers.Field {
    /// Whether name and value may go over a wire: a token, and text without control characters (RFC 9110, sections 5.1 and 5.5).
    ///
    /// A value with CR LF would let whoever filled it write further header fields, or a whole response.
    var isSafe: Bool { name.isToken && !value.utf8.contains { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7F } }
}

extension StringProtocol {
    /// Compares ASCII letters without case, everything else exactly.
    func equalsWithoutCase(_ other: some StringProtocol) -> Bool {
        utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8) { $0.lowercased == $1.lowercased }
    }

    /// Whether this is a token: a method or the name of a header field (RFC 9110, section 5.6.2).
    var isToken: Bool { !isEmpty && utf8.allSatisfy(\.isTokenCharacter) }

    /// Without spaces and tabs at both ends.
    func trimmingSpaces() -> SubSequence {
        let start = firstIndex { $0 != " " && $0 != "\t" } ?? endIndex
        let rest = self[start...]
        let end = rest.lastIndex { $0 != " " && $0 != "\t" }.map(rest.index(after:)) ?? start
        return self[start..<end]
    }
}

extension UInt8 {
    fileprivate var lowercased: UInt8 { self >= 0x41 && self <= 0x5A ? self | 0x20 : self }

    fileprivate var isTokenCharacter: Bool {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        default: Self.otherTokenCharacters.contains(self)
        }
    }

    private static let otherTokenCharacters = Array("!#$%&'*+-.^_`|~".utf8)
}
