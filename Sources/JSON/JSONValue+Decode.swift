// Swift's Decoder over a JSONValue. The path is a linked list that shares its tail, so descending allocates one small node and nothing is
// rendered before an error wants it. Numbers are exact: an integer that does not fit its type is an error, never a rounded value.

extension JSONValue {
    /// Reads a Decodable out of this value.
    ///
    /// Every failure is a JSONError of kind `mismatch` whose `path` points at the value; foreign errors of a type's own `init(from:)` keep
    /// their description as the message.
    package func decode<T: Decodable>(_ type: T.Type = T.self) throws(JSONError) -> T {
        do {
            return try JSONValueDecoder(value: self, path: .root, userInfo: [:]).unbox(T.self)
        } catch {
            throw JSONError(decoding: error, path: "")
        }
    }
}

extension JSONError {
    /// Any error out of a Decodable or Encodable as a JSONError; `path` is where it was caught and is used when the error names none.
    init(decoding error: any Error, path: String) {
        switch error {
        case let error as JSONError:
            self = error
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            self.init(.mismatch, "has the wrong type", path: JSONPath.pointer(context.codingPath))
        case DecodingError.keyNotFound(let key, let context):
            self.init(.mismatch, "is required", path: JSONPath.pointer(context.codingPath + [key]))
        case DecodingError.dataCorrupted(let context):
            // The message that the compiler writes for an unknown raw value repeats the value; this one does not.
            let synthesized = context.debugDescription.hasPrefix("Cannot initialize")
            let message = synthesized ? "is not one of the accepted values" : context.debugDescription
            self.init(.mismatch, message, path: JSONPath.pointer(context.codingPath))
        case EncodingError.invalidValue(_, let context):
            self.init(.mismatch, context.debugDescription, path: JSONPath.pointer(context.codingPath))
        default:
            self.init(.mismatch, "\(error)", path: path)
        }
    }
}

struct JSONValueDecoder: Decoder {
    let value: JSONValue
    let path: JSONPath
    let userInfo: [CodingUserInfoKey: Any]

    var codingPath: [any CodingKey] { path.keys }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .object(let object) = value else { throw mismatch("an object") }
        return KeyedDecodingContainer(KeyedReader(object: object, decoder: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .array(let elements) = value else { throw mismatch("an array") }
        return UnkeyedReader(elements: elements, decoder: self)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

    func child(_ value: JSONValue, _ key: any CodingKey) -> JSONValueDecoder {
        JSONValueDecoder(value: value, path: .child(of: path, key), userInfo: userInfo)
    }

    func mismatch(_ expected: String) -> JSONError {
        JSONError(.mismatch, "must be \(expected), was \(value.kindName)", path: path.pointer)
    }

    func unbox<T: Decodable>(_ type: T.Type) throws -> T {
        if T.self == JSONValue.self, let value = value as? T { return value }
        do {
            return try T(from: self)
        } catch let error as JSONError where !error.path.isEmpty || path.isRoot {
            throw error
        } catch let error as DecodingError {
            throw error
        } catch {
            var located = JSONError(decoding: error, path: path.pointer)
            located.path = path.pointer
            throw located
        }
    }
}

extension JSONValueDecoder: SingleValueDecodingContainer {
    func decodeNil() -> Bool { value.isNull }

    func decode(_ type: Bool.Type) throws -> Bool {
        guard let bool = value.bool else { throw mismatch("true or false") }
        return bool
    }

    func decode(_ type: String.Type) throws -> String {
        guard let string = value.string else { throw mismatch("a string") }
        return string
    }

    func decode(_ type: Double.Type) throws -> Double {
        guard let double = value.double else { throw mismatch("a number") }
        return double
    }

    func decode(_ type: Float.Type) throws -> Float { Float(try decode(Double.self)) }
    func decode(_ type: Int.Type) throws -> Int { try integer() }
    func decode(_ type: Int8.Type) throws -> Int8 { try integer() }
    func decode(_ type: Int16.Type) throws -> Int16 { try integer() }
    func decode(_ type: Int32.Type) throws -> Int32 { try integer() }
    func decode(_ type: Int64.Type) throws -> Int64 { try integer() }
    func decode(_ type: UInt.Type) throws -> UInt { try integer() }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try integer() }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try integer() }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try integer() }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try integer() }
    func decode<T: Decodable>(_ type: T.Type) throws -> T { try unbox(type) }

    private func integer<T: FixedWidthInteger>() throws -> T {
        guard let int = value.int else { throw mismatch("an integer") }
        guard let exact = T(exactly: int) else {
            throw JSONError(.mismatch, "must be an integer from \(T.min) to \(T.max)", path: path.pointer)
        }
        return exact
    }
}

private struct KeyedReader<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let object: JSONObject
    let decoder: JSONValueDecoder

    var codingPath: [any CodingKey] { decoder.codingPath }
    var allKeys: [Key] { object.members.compactMap { Key(stringValue: $0.key) } }

    func contains(_ key: Key) -> Bool { object[key.stringValue] != nil }

    func decodeNil(forKey key: Key) throws -> Bool { try child(key).value.isNull }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T { try child(key).unbox(type) }
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try child(key).decode(type) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try child(key).decode(type) }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try child(key).decode(type) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try child(key).decode(type) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try child(key).decode(type) }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws -> KeyedDecodingContainer<Nested> {
        try child(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { try child(key).unkeyedContainer() }
    func superDecoder() throws -> any Decoder { decoder }
    func superDecoder(forKey key: Key) throws -> any Decoder { try child(key) }

    private func child(_ key: Key) throws -> JSONValueDecoder {
        guard let value = object[key.stringValue] else {
            throw JSONError(.mismatch, "is required", path: JSONPath.child(of: decoder.path, key).pointer)
        }
        return decoder.child(value, key)
    }
}

private struct UnkeyedReader: UnkeyedDecodingContainer {
    let elements: [JSONValue]
    let decoder: JSONValueDecoder
    var currentIndex = 0

    init(elements: [JSONValue], decoder: JSONValueDecoder) {
        self.elements = elements
        self.decoder = decoder
    }

    var codingPath: [any CodingKey] { decoder.codingPath }
    var count: Int? { elements.count }
    var isAtEnd: Bool { currentIndex == elements.count }

    mutating func decodeNil() throws -> Bool {
        guard !isAtEnd, elements[currentIndex].isNull else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T { try next().unbox(type) }

    mutating func nestedContainer<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        try next().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try next().unkeyedContainer() }
    mutating func superDecoder() throws -> any Decoder { try next() }

    private mutating func next() throws -> JSONValueDecoder {
        let key = JSONIndexKey(currentIndex)
        guard !isAtEnd else {
            throw JSONError(.mismatch, "is required: the array is shorter", path: JSONPath.child(of: decoder.path, key).pointer)
        }
        currentIndex += 1
        return decoder.child(elements[currentIndex - 1], key)
    }
}
