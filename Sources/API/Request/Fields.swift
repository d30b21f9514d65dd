internal import Business
internal import Bytes
internal import Clocks
internal import JSON

/// Typed access to the members of a body or of a query that its schema has accepted.
///
/// What the schema requires is there and what it describes has its type; so a member that is missing here is one that may be missing.
struct Fields: Sendable {
    let object: JSONObject

    init(_ value: JSONValue) {
        object = value.object ?? JSONObject()
    }

    /// The member, but for null.
    subscript(name: String) -> JSONValue? {
        guard let value = object[name], !value.isNull else { return nil }
        return value
    }

    func has(_ name: String) -> Bool { object[name] != nil }

    func text(_ name: String) -> String? { self[name]?.string }
    func flag(_ name: String) -> Bool? { self[name]?.bool }
    func int(_ name: String) -> Int? { self[name]?.int.flatMap { Int(exactly: $0) } }
    func texts(_ name: String) -> [String]? { self[name]?.array?.compactMap(\.string) }
    func time(_ name: String) -> Instant? { text(name).flatMap { Instant($0) } }
    func money(_ name: String) -> Money? { text(name).flatMap { Money($0) } }

    /// An identifier; the schema's pattern has checked its prefix.
    func id(_ name: String) -> Identifier? { text(name).flatMap { Identifier(prefixed: $0) } }

    /// A value of an enumeration; the schema's `enum` has checked it.
    func choice<Choice: RawRepresentable<String>>(_ name: String) -> Choice? { text(name).flatMap(Choice.init(rawValue:)) }
    func choices<Choice: RawRepresentable<String>>(_ name: String) -> [Choice]? { texts(name)?.compactMap(Choice.init(rawValue:)) }

    /// Addresses and ranges.
    ///
    /// - Throws: `invalid_ip_range` with the entry's place.
    func addressRanges(_ name: String) throws(BusinessError) -> [AddressRange]? {
        guard let texts = texts(name) else { return nil }
        var ranges: [AddressRange] = []
        for (index, text) in texts.enumerated() { ranges.append(try AddressRange(text, field: "/\(name)/\(index)")) }
        return ranges
    }

    func required<Value>(_ name: String, _ value: Value?) throws(JSONError) -> Value {
        guard let value else { throw JSONError(.mismatch, "is required", path: "/" + name) }
        return value
    }

    /// What becomes of a field that may be taken away: kept when it is not named.
    func change(_ name: String) -> Change<String> { has(name) ? .set(text(name)) : .keep }
}

extension Identifier {
    /// Reads the API's form whatever its prefix, which was checked before.
    init?(prefixed text: String) {
        guard let underscore = text.lastIndex(of: "_") else { return nil }
        self.init(text[text.index(after: underscore)...])
    }
}
