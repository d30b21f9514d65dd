// Validation walks the value once. Paths are not kept while walking: a violation starts with an empty path, and each level that sees new
// violations come back puts its key in front. A valid value costs no allocation for paths at all.

extension JSONSchema {
    func check(_ value: JSONValue, _ index: Int, into violations: inout [Violation], limit: Int) {
        guard violations.count < limit else { return }
        let node = nodes[index]
        if node.rules.refusesAll {
            violations.append(Violation(code: .notAllowed, message: "is not allowed"))
            return
        }
        if let types = node.rules.types, !types.accepts(value) {
            violations.append(Violation(code: .wrongType, message: "must be \(types.phrase), was \(value.kindName)"))
            return
        }
        if let values = node.rules.oneOfValues, !values.contains(value) {
            violations.append(Violation(code: .notInEnum, message: node.rules.valuesPhrase))
            return
        }
        switch value {
        case .object(let object): check(object, node.rules, into: &violations, limit: limit)
        case .array(let elements): check(elements, node.rules, into: &violations, limit: limit)
        case .string(let text): check(text, node.rules, into: &violations)
        case .int, .double: if node.rules.caresAboutNumbers { checkNumber(value, node.rules, into: &violations) }
        case .null, .bool: break
        }
        for other in node.rules.all { check(value, other, into: &violations, limit: limit) }
        for branches in node.rules.any { checkAny(value, branches, into: &violations, limit: limit) }
        for branches in node.rules.one { checkOne(value, branches, into: &violations, limit: limit) }
    }

    private func check(_ object: JSONObject, _ rules: SchemaRules, into violations: inout [Violation], limit: Int) {
        if let minimum = rules.minProperties, object.count < minimum {
            violations.append(Violation(code: .tooFewFields, message: "must have at least \(minimum) fields, has \(object.count)"))
        }
        if let maximum = rules.maxProperties, object.count > maximum {
            violations.append(Violation(code: .tooManyFields, message: "must have at most \(maximum) fields, has \(object.count)"))
        }
        for name in rules.required where object[name] == nil {
            violations.append(Violation(path: "/" + JSONPointer.escaped(name), code: .required, message: "is required"))
        }
        for member in object.members {
            if let property = rules.properties[member.key] {
                descend(member.value, property, key: member.key, into: &violations, limit: limit)
                continue
            }
            switch rules.additional {
            case .allowed: break
            case .schema(let schema): descend(member.value, schema, key: member.key, into: &violations, limit: limit)
            case .refused:
                // What the object has already is not what a misspelt key means.
                let absent = rules.properties.keys.filter { object[$0] == nil }.sorted()
                let hint = Spelling.hint(for: member.key, among: absent)
                let message = "unknown field \(Excerpt.quoted(member.key))\(hint)"
                violations.append(Violation(path: "/" + JSONPointer.escaped(member.key), code: .unknownField, message: message))
            }
            if violations.count >= limit { return }
        }
    }

    private func check(_ elements: [JSONValue], _ rules: SchemaRules, into violations: inout [Violation], limit: Int) {
        if let minimum = rules.minItems, elements.count < minimum {
            violations.append(Violation(code: .tooFewItems, message: "must have at least \(minimum) items, has \(elements.count)"))
        }
        if let maximum = rules.maxItems, elements.count > maximum {
            violations.append(Violation(code: .tooManyItems, message: "must have at most \(maximum) items, has \(elements.count)"))
            return
        }
        if rules.uniqueItems {
            var seen: Set<JSONValue> = Set(minimumCapacity: elements.count)
            for (index, element) in elements.enumerated() where !seen.insert(element).inserted {
                violations.append(Violation(path: "/\(index)", code: .duplicateItem, message: "repeats an earlier item"))
                break
            }
        }
        guard let items = rules.items else { return }
        for (index, element) in elements.enumerated() {
            let before = violations.count
            check(element, items, into: &violations, limit: limit)
            for violation in before..<violations.count { violations[violation].path = "/\(index)" + violations[violation].path }
            if violations.count >= limit { return }
        }
    }

    private func descend(_ value: JSONValue, _ index: Int, key: String, into violations: inout [Violation], limit: Int) {
        let before = violations.count
        check(value, index, into: &violations, limit: limit)
        guard violations.count > before else { return }
        let token = "/" + JSONPointer.escaped(key)
        for violation in before..<violations.count { violations[violation].path = token + violations[violation].path }
    }

    private func checkAny(_ value: JSONValue, _ branches: [Int], into violations: inout [Violation], limit: Int) {
        var attempts: [[Violation]] = []
        for branch in branches {
            var attempt: [Violation] = []
            check(value, branch, into: &attempt, limit: limit)
            if attempt.isEmpty { return }
            attempts.append(attempt)
        }
        violations += explanation(attempts)
    }

    private func checkOne(_ value: JSONValue, _ branches: [Int], into violations: inout [Violation], limit: Int) {
        var attempts: [[Violation]] = []
        for branch in branches {
            var attempt: [Violation] = []
            check(value, branch, into: &attempt, limit: limit)
            if !attempt.isEmpty { attempts.append(attempt) }
        }
        switch branches.count - attempts.count {
        case 1: return
        case 0: violations += explanation(attempts)
        case let matches: violations.append(Violation(code: .ambiguous, message: "must match exactly one alternative, matches \(matches)"))
        }
    }

    /// Why no alternative matches: when only one of them was meant (the others are of another type, or another constant), its reasons.
    private func explanation(_ attempts: [[Violation]]) -> [Violation] {
        let meant = attempts.filter { attempt in
            !attempt.contains { $0.code == .wrongType && $0.path.isEmpty || $0.code == .notInEnum && $0.path.utf8.count { $0 == 0x2F } <= 1 }
        }
        if meant.count == 1 { return meant[0] }
        return [Violation(code: .noMatch, message: "matches none of the \(attempts.count) alternatives")]
    }
}
