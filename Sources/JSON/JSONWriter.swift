// One writer for three forms. Compact is what goes over a wire, pretty is for people, canonical is for hashing: members sorted by the bytes of
// their keys and integral doubles written as integers, so that equal values give equal bytes.

extension JSONValue {
    /// The compact form as UTF-8.
    ///
    /// Members keep their order; a Double that is no number is written as null.
    package func serialized() -> [UInt8] { written(.compact) }

    /// The compact form.
    package var text: String { String(decoding: written(.compact), as: UTF8.self) }

    /// The form for people: one member per line, two spaces of indentation, no newline at the end.
    package var prettyText: String { String(decoding: written(.pretty), as: UTF8.self) }

    /// The form for hashing: no spaces, members sorted by the UTF-8 bytes of their keys, `1.0` written as `1`.
    package func canonical() -> [UInt8] { written(.canonical) }

    private func written(_ form: JSONWriter.Form) -> [UInt8] {
        var writer = JSONWriter(form: form)
        writer.write(self)
        return writer.bytes
    }
}

extension JSONValue: CustomStringConvertible {
    package var description: String { text }
}

struct JSONWriter {
    enum Form { case compact, pretty, canonical }

    let form: Form
    var bytes: [UInt8] = []
    private var indentation = 0

    init(form: Form) {
        self.form = form
    }

    mutating func write(_ value: JSONValue) {
        switch value {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .int(let value): bytes.append(contentsOf: String(value).utf8)
        case .double(let value): write(value)
        case .string(let value): write(value)
        case .array(let elements): write(elements)
        case .object(let object): write(object)
        }
    }

    mutating func write(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        if text.utf8.contains(where: Self.needsEscape) {
            for byte in text.utf8 { writeEscaped(byte) }
        } else {
            bytes.append(contentsOf: text.utf8)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func write(_ value: Double) {
        if !value.isFinite {
            bytes.append(contentsOf: "null".utf8)
        } else if form == .canonical, let int = Int64(exactly: value) {
            bytes.append(contentsOf: String(int).utf8)
        } else {
            bytes.append(contentsOf: value.description.utf8)
        }
    }

    private mutating func write(_ elements: [JSONValue]) {
        list("[", "]", elements) { writer, element in writer.write(element) }
    }

    private mutating func write(_ object: JSONObject) {
        let members =
            form == .canonical
            ? object.members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            : object.members
        list("{", "}", members) { writer, member in
            writer.write(member.key)
            writer.bytes.append(UInt8(ascii: ":"))
            if writer.form == .pretty { writer.bytes.append(UInt8(ascii: " ")) }
            writer.write(member.value)
        }
    }

    private mutating func list<Element>(
        _ open: Unicode.Scalar, _ close: Unicode.Scalar, _ elements: [Element], each: (inout JSONWriter, Element) -> Void
    ) {
        bytes.append(UInt8(ascii: open))
        indentation += 1
        for (index, element) in elements.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            newline()
            each(&self, element)
        }
        indentation -= 1
        if !elements.isEmpty { newline() }
        bytes.append(UInt8(ascii: close))
    }

    private mutating func newline() {
        guard form == .pretty else { return }
        bytes.append(UInt8(ascii: "\n"))
        for _ in 0..<indentation { bytes.append(contentsOf: "  ".utf8) }
    }

    private static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private mutating func writeEscaped(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): bytes.append(contentsOf: "\\\"".utf8)
        case UInt8(ascii: "\\"): bytes.append(contentsOf: "\\\\".utf8)
        case 0x08: bytes.append(contentsOf: "\\b".utf8)
        case 0x0C: bytes.append(contentsOf: "\\f".utf8)
        case 0x0A: bytes.append(contentsOf: "\\n".utf8)
        case 0x0D: bytes.append(contentsOf: "\\r".utf8)
        case 0x09: bytes.append(contentsOf: "\\t".utf8)
        case ..<0x20:
            bytes.append(contentsOf: byte < 0x10 ? "\\u000".utf8 : "\\u00".utf8)
            bytes.append(contentsOf: String(byte, radix: 16).utf8)
        default: bytes.append(byte)
        }
    }
}
