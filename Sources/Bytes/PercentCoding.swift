/// Percent-coding of one component of a URL: a path segment, a query name or value (RFC 3986, section 2).
package enum PercentCoding {
    /// Leaves letters, digits and `-._~` and escapes every other byte of the UTF-8 text; a slash too, so that a component stays one.
    package static func encode(_ component: some StringProtocol) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(component.utf8.count)
        for byte in component.utf8 {
            if isUnreserved(byte) {
                text.append(byte)
            } else {
                text.append(UInt8(ascii: "%"))
                text.append(upperCaseDigit(byte >> 4))
                text.append(upperCaseDigit(byte & 15))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads a component; a plus sign is a plus sign.
    ///
    /// Nil for a broken escape, a raw byte that no URL may hold (blank, control, non-ASCII), and bytes that are not UTF-8.
    package static func decode(_ component: some StringProtocol) -> String? {
        decode(component, blank: nil)
    }

    /// Reads a name or value of `application/x-www-form-urlencoded`, where a plus sign is a blank; as strict as `decode`.
    package static func decodeForm(_ component: some StringProtocol) -> String? {
        decode(component, blank: UInt8(ascii: "+"))
    }

    private static func decode(_ component: some StringProtocol, blank: UInt8?) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(component.utf8.count)
        var rest = component.utf8.makeIterator()
        while let byte = rest.next() {
            if byte == UInt8(ascii: "%") {
                guard let high = rest.next().flatMap(Hex.value), let low = rest.next().flatMap(Hex.value) else { return nil }
                bytes.append(high << 4 | low)
            } else if byte == blank {
                bytes.append(UInt8(ascii: " "))
            } else {
                guard (0x21...0x7E).contains(byte) else { return nil }
                bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
        default: false
        }
    }

    /// RFC 3986, section 2.1, wants escapes in upper case.
    private static func upperCaseDigit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "A") + nibble - 10
    }
}
