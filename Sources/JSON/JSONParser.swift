// A strict recursive-descent parser for RFC 8259: no comments, no trailing commas, no byte order mark, no duplicate keys, no invalid UTF-8 and no
// lone surrogates. Strictness is a safety property: what two readers read differently (duplicate keys above all) is how checks are evaded.
//
// Line and column are computed only when an error is made, so the happy path counts nothing. Strings without escapes are sliced from the text.

extension JSONValue {
    /// Reads one JSON text, whole.
    ///
    /// Errors say the line, the column and what was expected.
    package init(parsing bytes: some Collection<UInt8>, limits: JSONLimits = JSONLimits()) throws(JSONError) {
        guard bytes.count <= limits.bytes else {
            throw JSONError(.limit, "the text has \(bytes.count) bytes, at most \(limits.bytes) are accepted")
        }
        var parser = JSONParser(bytes: Array(bytes), depthLeft: limits.depth)
        self = try parser.document()
    }

    /// Reads one JSON text, whole.
    package init(parsing text: String, limits: JSONLimits = JSONLimits()) throws(JSONError) {
        try self.init(parsing: text.utf8, limits: limits)
    }
}

struct JSONParser {
    let bytes: [UInt8]
    var index = 0
    var depthLeft: Int

    init(bytes: [UInt8], depthLeft: Int) {
        self.bytes = bytes
        self.depthLeft = depthLeft
    }

    mutating func document() throws(JSONError) -> JSONValue {
        skipSpace()
        let value = try value()
        skipSpace()
        guard index == bytes.count else { throw expected("the end of the text after the value") }
        return value
    }

    private mutating func value() throws(JSONError) -> JSONValue {
        guard let byte = peek else { throw expected("a value") }
        switch byte {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        default: throw expected("a value")
        }
    }

    private mutating func literal(_ word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        let start = index
        let matches = word.withUTF8Buffer { word in
            bytes.count - start >= word.count && word.indices.allSatisfy { bytes[start + $0] == word[$0] }
        }
        guard matches else { throw expected("a value (\"\(word)\")") }
        index += word.utf8CodeUnitCount
        return value
    }

    private mutating func object() throws(JSONError) -> JSONValue {
        try enter()
        var object = JSONObject()
        skipSpace()
        if peek == UInt8(ascii: "}") {
            leave()
            return .object(object)
        }
        while true {
            guard peek == UInt8(ascii: "\"") else { throw expected(object.isEmpty ? "a key in quotes or \"}\"" : "a key in quotes") }
            let start = index
            let key = try string()
            skipSpace()
            guard peek == UInt8(ascii: ":") else { throw expected("\":\" after the key") }
            index += 1
            skipSpace()
            guard object.append(key, try value()) else {
                throw error(.duplicateKey, "the key \(Excerpt.quoted(key)) stands twice in one object", at: start)
            }
            skipSpace()
            switch peek {
            case UInt8(ascii: ","):
                index += 1
                skipSpace()
            case UInt8(ascii: "}"):
                leave()
                return .object(object)
            default: throw expected("\",\" or \"}\" after the member")
            }
        }
    }

    private mutating func array() throws(JSONError) -> JSONValue {
        try enter()
        var elements: [JSONValue] = []
        skipSpace()
        if peek == UInt8(ascii: "]") {
            leave()
            return .array(elements)
        }
        while true {
            elements.append(try value())
            skipSpace()
            switch peek {
            case UInt8(ascii: ","):
                index += 1
                skipSpace()
            case UInt8(ascii: "]"):
                leave()
                return .array(elements)
            default: throw expected("\",\" or \"]\" after the element")
            }
        }
    }

    private mutating func enter() throws(JSONError) {
        guard depthLeft > 0 else { throw error(.limit, "arrays and objects nest too deeply", at: index) }
        depthLeft -= 1
        index += 1
    }

    private mutating func leave() {
        depthLeft += 1
        index += 1
    }

    var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func skipSpace() {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x0A, 0x0D, 0x09: index += 1
            default: return
            }
        }
    }
}

extension JSONParser {
    /// The error for what stands at the index, which is not what was expected.
    func expected(_ what: String) -> JSONError {
        guard index < bytes.count else { return error(.syntax, "expected \(what), the text ends", at: index) }
        let byte = bytes[index]
        let found = (0x21...0x7E).contains(byte) ? "found \"\(Unicode.Scalar(byte))\"" : "found something else"
        return error(.syntax, "expected \(what), \(found)", at: index)
    }

    func error(_ kind: JSONError.Kind, _ message: String, at offset: Int) -> JSONError {
        let before = bytes[..<offset]
        let line = 1 + before.count { $0 == 0x0A }
        let start = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        let column = 1 + bytes[start..<offset].count { $0 & 0xC0 != 0x80 }
        return JSONError(kind, message, line: line, column: column)
    }
}
