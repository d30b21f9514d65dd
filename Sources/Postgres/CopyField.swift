package import Bytes
package import Clocks

/// A value that can be a field of COPY's text format.
package protocol CopyField {
    /// Appends the field's text with everything escaped that COPY gives a meaning: see `CopyText`.
    func appendCopyText(to bytes: inout [UInt8])
}

/// COPY's text format: fields divided by tabs, rows ended by newlines, `\N` for NULL, and backslash escapes for what would be mistaken for these.
enum CopyText {
    static let null: [UInt8] = [UInt8(ascii: "\\"), UInt8(ascii: "N")]

    static func append(_ text: some Sequence<UInt8>, to bytes: inout [UInt8]) {
        for byte in text {
            guard let letter = escape(byte) else {
                bytes.append(byte)
                continue
            }
            bytes.append(UInt8(ascii: "\\"))
            bytes.append(letter)
        }
    }

    private static func escape(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "\\"): byte
        case 8: UInt8(ascii: "b")
        case 9: UInt8(ascii: "t")
        case 10: UInt8(ascii: "n")
        case 11: UInt8(ascii: "v")
        case 12: UInt8(ascii: "f")
        case 13: UInt8(ascii: "r")
        default: nil
        }
    }

    /// The fields of one row without its newline; nil for NULL.
    static func fields(of line: ArraySlice<UInt8>) -> [String?] {
        line.split(separator: 9, omittingEmptySubsequences: false).map { field in
            field.elementsEqual(null) ? nil : String(decoding: unescape(field), as: UTF8.self)
        }
    }

    /// The server writes the letters of `escape` only; the octal and hexadecimal forms of the manual are for people who write by hand.
    private static func unescape(_ field: ArraySlice<UInt8>) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(field.count)
        var isEscaped = false
        for byte in field {
            if isEscaped {
                isEscaped = false
                text.append((8...13).first { escape($0) == byte } ?? byte)
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else {
                text.append(byte)
            }
        }
        return text
    }
}

extension String: CopyField {
    package func appendCopyText(to bytes: inout [UInt8]) { CopyText.append(utf8, to: &bytes) }
}

extension JSONText: CopyField {
    package func appendCopyText(to bytes: inout [UInt8]) { CopyText.append(text.utf8, to: &bytes) }
}

extension NetworkAddress: CopyField {
    package func appendCopyText(to bytes: inout [UInt8]) { CopyText.append(text.utf8, to: &bytes) }
}

extension CopyField where Self: RawRepresentable, RawValue: CopyField {
    package func appendCopyText(to bytes: inout [UInt8]) { rawValue.appendCopyText(to: &bytes) }
}

/// Values whose text has nothing to escape.
extension CopyField where Self: LosslessStringConvertible {
    package func appendCopyText(to bytes: inout [UInt8]) { bytes.append(contentsOf: description.utf8) }
}

extension Int: CopyField {}
extension Int16: CopyField {}
extension Int32: CopyField {}
extension Int64: CopyField {}
extension Double: CopyField {}
extension Bool: CopyField {}

extension Identifier: CopyField {
    package func appendCopyText(to bytes: inout [UInt8]) { bytes.append(contentsOf: description.utf8) }
}

extension Micros: CopyField {
    package func appendCopyText(to bytes: inout [UInt8]) { bytes.append(contentsOf: description.utf8) }
}

extension Duration: CopyField {
    package func appendCopyText(to bytes: inout [UInt8]) { bytes.append(contentsOf: "\(microseconds) microseconds".utf8) }
}

extension [UInt8]: CopyField {
    /// The hexadecimal form of `bytea`; its backslash is escaped like any other.
    package func appendCopyText(to bytes: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        bytes.append(contentsOf: "\\\\x".utf8)
        for byte in self {
            bytes.append(digits[Int(byte >> 4)])
            bytes.append(digits[Int(byte & 15)])
        }
    }
}

extension Instant: CopyField {
    /// `1970-01-01 00:00:00.000000+00`, by the proleptic Gregorian calendar.
    package func appendCopyText(to bytes: inout [UInt8]) {
        if microseconds == .max { return bytes.append(contentsOf: "infinity".utf8) }
        if microseconds == .min { return bytes.append(contentsOf: "-infinity".utf8) }
        let perDay: Int64 = 86_400_000_000
        let ofDay = ((microseconds % perDay) + perDay) % perDay
        let (year, month, day) = civil(daysSince1970: (microseconds - ofDay) / perDay)
        let seconds = ofDay / 1_000_000
        let date = "\(padded(year > 0 ? year : 1 - year, 4))-\(padded(month, 2))-\(padded(day, 2))"
        let time = "\(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2)).\(padded(ofDay % 1_000_000, 6))"
        bytes.append(contentsOf: "\(date) \(time)+00\(year > 0 ? "" : " BC")".utf8)
    }
}

private func padded(_ number: Int64, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
}

/// Howard Hinnant's `civil_from_days`: the year counted from March, in eras of 400 years.
private func civil(daysSince1970: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = daysSince1970 + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
}
