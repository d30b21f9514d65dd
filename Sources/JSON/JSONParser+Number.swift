extension JSONParser {
    /// A number of RFC 8259, section 6: no leading zero, no plus sign, digits on both sides of the point.
    mutating func number() throws(JSONError) -> JSONValue {
        let start = index
        let negative = peek == UInt8(ascii: "-")
        if negative { index += 1 }

        var magnitude: UInt64 = 0
        var fits = true
        let first = index
        while let digit {
            let (product, overflow) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
            if overflow || carry { fits = false }
            magnitude = sum
            index += 1
        }
        guard index > first else { throw expected("a digit") }
        guard index == first + 1 || bytes[first] != UInt8(ascii: "0") else {
            throw error(.syntax, "a number must not begin with a superfluous zero", at: first)
        }

        var integral = true
        if peek == UInt8(ascii: ".") {
            integral = false
            index += 1
            try digits("a digit after the point")
        }
        if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
            integral = false
            index += 1
            if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { index += 1 }
            try digits("a digit in the exponent")
        }

        if integral, fits {
            if !negative, magnitude <= UInt64(Int64.max) { return .int(Int64(magnitude)) }
            if negative, magnitude <= Int64.min.magnitude { return .int(Int64(truncatingIfNeeded: 0 &- magnitude)) }
        }
        guard let value = Double(String(decoding: bytes[start..<index], as: UTF8.self)), value.isFinite else {
            throw error(.limit, "the number is too large", at: start)
        }
        return .double(value)
    }

    private var digit: UInt8? {
        guard index < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) else { return nil }
        return bytes[index] - UInt8(ascii: "0")
    }

    private mutating func digits(_ what: String) throws(JSONError) {
        guard digit != nil else { throw expected(what) }
        while digit != nil { index += 1 }
    }
}
