/// Finds the members of a JSON object's first level, and nothing more: what a token must be asked before anybody trusts its payload.
///
/// This floor has no JSON library, and needs none: it walks the bytes once, keeps strings without escapes and whole numbers, and skips the rest by counting brackets
/// outside of strings. Whatever is unusual where we look is refused, never guessed: an escape in a name, a name twice, a trailing byte.
struct ClaimScanner {
    /// A member's value, as far as a token's checks need it.
    enum Value: Equatable {
        case string(String)
        case integer(Int64)
        /// Anything else; its bytes were skipped, not checked.
        case other
    }

    private let bytes: [UInt8]
    private var position = 0

    /// The members of the object by name; nil when the bytes are no object of the plain kind described above.
    static func members(of bytes: [UInt8]) -> [String: Value]? {
        var scanner = ClaimScanner(bytes: bytes)
        return scanner.object()
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    private mutating func object() -> [String: Value]? {
        var members: [String: Value] = [:]
        guard accept("{") else { return nil }
        if accept("}") { return atEnd ? members : nil }
        repeat {
            guard let name = string(), accept(":"), let value = value(), members.updateValue(value, forKey: name) == nil else { return nil }
        } while accept(",")
        guard accept("}"), atEnd else { return nil }
        return members
    }

    private mutating func value() -> Value? {
        skipBlanks()
        guard let first = peek else { return nil }
        switch first {
        case UInt8(ascii: "\""): return anyString()
        case UInt8(ascii: "{"), UInt8(ascii: "["): return nested() ? .other : nil
        default:
            let word = bytes[position...].prefix { ![",", "}", "]", " ", "\t", "\n", "\r", "\"", ":"].contains(Character(UnicodeScalar($0))) }
            guard !word.isEmpty else { return nil }
            position += word.count
            let text = String(decoding: word, as: UTF8.self)
            return Int64(text).flatMap { String($0) == text ? .integer($0) : nil } ?? .other
        }
    }

    /// A string without escapes, or nil.
    private mutating func string() -> String? {
        guard case .string(let text) = peekString() else { return nil }
        return text
    }

    private mutating func peekString() -> Value? {
        skipBlanks()
        return anyString()
    }

    /// A string; `.other` when it has escapes.
    private mutating func anyString() -> Value? {
        guard peek == UInt8(ascii: "\"") else { return nil }
        position += 1
        let start = position
        var escaped = false
        while let byte = peek {
            if byte == UInt8(ascii: "\"") {
                defer { position += 1 }
                guard !escaped else { return .other }
                return String(validating: bytes[start..<position], as: UTF8.self).map(Value.string)
            }
            guard byte >= 0x20 else { return nil }
            if byte == UInt8(ascii: "\\") {
                escaped = true
                position += 1
            }
            position += 1
        }
        return nil
    }

    /// Skips an array or object; brackets inside of strings do not count.
    private mutating func nested() -> Bool {
        var open: [UInt8] = []
        while let byte = peek {
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                open.append(byte + 2)
                position += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                guard open.popLast() == byte else { return false }
                position += 1
                if open.isEmpty { return true }
            case UInt8(ascii: "\""):
                guard anyString() != nil else { return false }
            default:
                position += 1
            }
        }
        return false
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private var atEnd: Bool {
        mutating get {
            skipBlanks()
            return position == bytes.count
        }
    }

    private mutating func accept(_ character: Unicode.Scalar) -> Bool {
        skipBlanks()
        guard peek == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func skipBlanks() {
        while let byte = peek, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
    }
}
