extension JSONSchema {
    func check(_ text: String, _ rules: SchemaRules, into violations: inout [Violation]) {
        if rules.minLength != nil || rules.maxLength != nil {
            let length = text.utf8.count { $0 & 0xC0 != 0x80 }
            if let minimum = rules.minLength, length < minimum {
                let message = length == 0 ? "must not be empty" : "must have at least \(characters(minimum)), has \(length)"
                violations.append(Violation(code: .tooShort, message: message))
            }
            if let maximum = rules.maxLength, length > maximum {
                violations.append(Violation(code: .tooLong, message: "must have at most \(characters(maximum)), has \(length)"))
                return
            }
        }
        if let pattern = rules.pattern, !pattern.matches(text) {
            violations.append(Violation(code: .patternMismatch, message: "must match the pattern \(pattern.text)"))
        }
        if let format = rules.format, !format.matches(text) {
            violations.append(Violation(code: .badFormat, message: "must be \(format.phrase)"))
        }
    }

    private func characters(_ count: Int) -> String { count == 1 ? "1 character" : "\(count) characters" }

    func checkNumber(_ value: JSONValue, _ rules: SchemaRules, into violations: inout [Violation]) {
        if let bound = rules.minimum, isLess(value, bound) {
            violations.append(Violation(code: .tooSmall, message: "must be at least \(bound.text), was \(value.text)"))
        }
        if let bound = rules.exclusiveMinimum, !isLess(bound, value) {
            violations.append(Violation(code: .tooSmall, message: "must be more than \(bound.text), was \(value.text)"))
        }
        if let bound = rules.maximum, isLess(bound, value) {
            violations.append(Violation(code: .tooLarge, message: "must be at most \(bound.text), was \(value.text)"))
        }
        if let bound = rules.exclusiveMaximum, !isLess(value, bound) {
            violations.append(Violation(code: .tooLarge, message: "must be less than \(bound.text), was \(value.text)"))
        }
        if let factor = rules.multipleOf, !isMultiple(value, of: factor) {
            violations.append(Violation(code: .notMultiple, message: "must be a multiple of \(factor.text), was \(value.text)"))
        }
    }

    private func isLess(_ left: JSONValue, _ right: JSONValue) -> Bool {
        if case .int(let left) = left, case .int(let right) = right { return left < right }
        return (left.double ?? .nan) < (right.double ?? .nan)
    }

    private func isMultiple(_ value: JSONValue, of factor: JSONValue) -> Bool {
        if let value = value.int, let factor = factor.int { return value.isMultiple(of: factor) }
        guard let value = value.double, let factor = factor.double else { return false }
        // 4.35 / 0.01 is 434.99999999999994: decimal fractions are compared with the tolerance that binary ones need.
        let quotient = value / factor
        return abs(quotient - quotient.rounded()) <= 1e-9 * max(1, abs(quotient))
    }
}
