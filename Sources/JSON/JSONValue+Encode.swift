// Swift's Encoder into a JSONValue. Containers are handed out before they are filled and may outlive each other, so each writes into a node of
// its own (a class); the tree becomes a value once, at the end.

extension JSONValue {
    /// Writes an Encodable as a value, members in the order in which the type encodes them.
    ///
    /// Throws a JSONError of kind `mismatch` with the path for what JSON cannot say exactly: an integer beyond 64 signed bits, an infinite
    /// number, or a NaN.
    package init(encoding value: some Encodable) throws(JSONError) {
        let node = EncodingNode()
        do {
            try JSONValueEncoder(node: node, path: .root).box(value)
        } catch {
            throw JSONError(decoding: error, path: "")
        }
        self = node.value
    }
}

/// A place in the document under construction.
private final class EncodingNode {
    enum Content {
        case empty
        case value(JSONValue)
        case array([EncodingNode])
        case object([(key: String, node: EncodingNode)])
    }

    var content = Content.empty

    var value: JSONValue {
        switch content {
        case .empty: .object(JSONObject())
        case .value(let value): value
        case .array(let nodes): .array(nodes.map(\.value))
        case .object(let members): .object(JSONObject(members.lazy.map { ($0.key, $0.node.value) }))
        }
    }

    func append() -> EncodingNode {
        let node = EncodingNode()
        guard case .array(var nodes) = content else { preconditionFailure("an unkeyed container writes into an array") }
        content = .empty
        nodes.append(node)
        content = .array(nodes)
        return node
    }

    func append(_ key: String) -> EncodingNode {
        let node = EncodingNode()
        guard case .object(var members) = content else { preconditionFailure("a keyed container writes into an object") }
        content = .empty
        members.append((key, node))
        content = .object(members)
        return node
    }

    var count: Int {
        switch content {
        case .array(let nodes): nodes.count
        default: 0
        }
    }
}

private struct JSONValueEncoder: Encoder {
    let node: EncodingNode
    let path: JSONPath

    var codingPath: [any CodingKey] { path.keys }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        if case .object = node.content {} else { node.content = .object([]) }
        return KeyedEncodingContainer(KeyedWriter(encoder: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if case .array = node.content {} else { node.content = .array([]) }
        return UnkeyedWriter(encoder: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    func child(_ key: any CodingKey) -> JSONValueEncoder {
        JSONValueEncoder(node: node.append(key.stringValue), path: .child(of: path, key))
    }

    func element() -> JSONValueEncoder {
        let key = JSONIndexKey(node.count)
        return JSONValueEncoder(node: node.append(), path: .child(of: path, key))
    }

    func box<T: Encodable>(_ value: T) throws {
        if T.self == JSONValue.self, let value = value as? JSONValue {
            node.content = .value(value)
        } else if T.self == JSONObject.self, let value = value as? JSONObject {
            node.content = .value(.object(value))
        } else {
            try value.encode(to: self)
        }
    }
}

extension JSONValueEncoder: SingleValueEncodingContainer {
    func encodeNil() { node.content = .value(.null) }
    func encode(_ value: Bool) { node.content = .value(.bool(value)) }
    func encode(_ value: String) { node.content = .value(.string(value)) }
    func encode(_ value: Float) throws { try encode(Double(value)) }
    func encode(_ value: Int) { node.content = .value(.int(Int64(value))) }
    func encode(_ value: Int8) { node.content = .value(.int(Int64(value))) }
    func encode(_ value: Int16) { node.content = .value(.int(Int64(value))) }
    func encode(_ value: Int32) { node.content = .value(.int(Int64(value))) }
    func encode(_ value: Int64) { node.content = .value(.int(value)) }
    func encode(_ value: UInt) throws { try encode(UInt64(value)) }
    func encode(_ value: UInt8) { node.content = .value(.int(Int64(value))) }
    func encode(_ value: UInt16) { node.content = .value(.int(Int64(value))) }
    func encode(_ value: UInt32) { node.content = .value(.int(Int64(value))) }
    func encode<T: Encodable>(_ value: T) throws { try box(value) }

    func encode(_ value: Double) throws {
        guard value.isFinite else { throw JSONError(.mismatch, "is not a number that JSON knows", path: path.pointer) }
        node.content = .value(.double(value))
    }

    func encode(_ value: UInt64) throws {
        guard let int = Int64(exactly: value) else { throw JSONError(.mismatch, "does not fit 64 signed bits", path: path.pointer) }
        node.content = .value(.int(int))
    }
}

private struct KeyedWriter<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let encoder: JSONValueEncoder

    var codingPath: [any CodingKey] { encoder.codingPath }

    func encodeNil(forKey key: Key) { encoder.child(key).encodeNil() }
    func encode<T: Encodable>(_ value: T, forKey key: Key) throws { try encoder.child(key).box(value) }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) -> KeyedEncodingContainer<Nested> {
        encoder.child(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { encoder.child(key).unkeyedContainer() }
    func superEncoder() -> any Encoder { encoder }
    func superEncoder(forKey key: Key) -> any Encoder { encoder.child(key) }
}

private struct UnkeyedWriter: UnkeyedEncodingContainer {
    let encoder: JSONValueEncoder

    var codingPath: [any CodingKey] { encoder.codingPath }
    var count: Int { encoder.node.count }

    func encodeNil() { encoder.element().encodeNil() }
    func encode<T: Encodable>(_ value: T) throws { try encoder.element().box(value) }

    func nestedContainer<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> { encoder.element().container(keyedBy: type) }
    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { encoder.element().unkeyedContainer() }
    func superEncoder() -> any Encoder { encoder.element() }
}
