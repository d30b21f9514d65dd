/// Reads a pattern into a tree and writes the tree as steps; counted repetition is written out, so the number of steps is limited.
struct PatternCompiler {
    private indirect enum Node {
        case empty
        case scalars(ScalarSet)
        case start
        case end
        case sequence([Node])
        case either([Node])
        case repeated(Node, Int, Int?)
    }

    private static let stepLimit = 4_000
    private static let repeatLimit = 1_000
    private static let depthLimit = 32

    private let scalars: [Unicode.Scalar]
    private var index = 0
    private var depth = 0
    private var program: [PatternStep] = []

    init(_ text: String) {
        scalars = Array(text.unicodeScalars)
    }

    mutating func compile() throws(PatternError) -> [PatternStep] {
        let tree = try alternatives()
        guard index == scalars.count else { throw mistake("\")\" without \"(\"") }
        try emit(tree)
        program.append(.match)
        return program
    }

    private func mistake(_ message: String) -> PatternError { PatternError(message: message, position: index + 1) }

    private var peek: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

    private mutating func alternatives() throws(PatternError) -> Node {
        var branches = [try sequence()]
        while peek == "|" {
            index += 1
            branches.append(try sequence())
        }
        return branches.count == 1 ? branches[0] : .either(branches)
    }

    private mutating func sequence() throws(PatternError) -> Node {
        var parts: [Node] = []
        while let next = peek, next != "|", next != ")" { parts.append(try quantified()) }
        return parts.isEmpty ? .empty : .sequence(parts)
    }

    private mutating func quantified() throws(PatternError) -> Node {
        let atom = try atom()
        guard let (minimum, maximum) = try quantifier() else { return atom }
        switch atom {
        case .start, .end: throw mistake("an anchor cannot be repeated")
        default: break
        }
        if let next = peek, next == "?" || next == "+" || next == "*" { throw mistake("lazy, possessive and doubled quantifiers are not supported") }
        return .repeated(atom, minimum, maximum)
    }

    private mutating func quantifier() throws(PatternError) -> (Int, Int?)? {
        switch peek {
        case "?":
            index += 1
            return (0, 1)
        case "*":
            index += 1
            return (0, nil)
        case "+":
            index += 1
            return (1, nil)
        case "{":
            index += 1
            let minimum = try count()
            var maximum: Int? = minimum
            if peek == "," {
                index += 1
                maximum = peek == "}" ? nil : try count()
            }
            guard peek == "}" else { throw mistake("expected \"}\" after the counts") }
            index += 1
            if let maximum, maximum < minimum { throw mistake("the counts are the wrong way round") }
            return (minimum, maximum)
        default: return nil
        }
    }

    private mutating func count() throws(PatternError) -> Int {
        var value = 0
        let first = index
        while let scalar = peek, ("0"..."9").contains(scalar) {
            value = value * 10 + Int(scalar.value - 48)
            guard value <= Self.repeatLimit else { throw mistake("repeats more than \(Self.repeatLimit) times") }
            index += 1
        }
        guard index > first else { throw mistake("expected a count") }
        return value
    }

    private mutating func atom() throws(PatternError) -> Node {
        guard let scalar = peek else { throw mistake("the pattern ends") }
        index += 1
        switch scalar {
        case "^": return .start
        case "$": return .end
        case ".": return .scalars(.any)
        case "(": return try group()
        case "[": return .scalars(try characterClass())
        case "\\": return .scalars(try escape())
        case "*", "+", "?", "{", "}", "]":
            index -= 1
            throw mistake("\"\(scalar)\" must be escaped here")
        default: return .scalars(ScalarSet(scalar...scalar))
        }
    }

    private mutating func group() throws(PatternError) -> Node {
        if peek == "?" {
            guard index + 1 < scalars.count, scalars[index + 1] == ":" else { throw mistake("only plain groups and (?: are supported") }
            index += 2
        }
        depth += 1
        guard depth <= Self.depthLimit else { throw mistake("groups nest too deeply") }
        let inner = try alternatives()
        depth -= 1
        guard peek == ")" else { throw mistake("expected \")\"") }
        index += 1
        return inner
    }

    /// After the backslash: a class, or one scalar.
    private mutating func escape() throws(PatternError) -> ScalarSet {
        guard let scalar = peek else { throw mistake("a backslash at the end") }
        index += 1
        switch scalar {
        case "d": return .digits
        case "D": return ScalarSet.digits.inverted
        case "w": return .word
        case "W": return ScalarSet.word.inverted
        case "s": return .space
        case "S": return ScalarSet.space.inverted
        case "n": return ScalarSet("\n"..."\n")
        case "r": return ScalarSet("\r"..."\r")
        case "t": return ScalarSet("\t"..."\t")
        case _ where scalar.isASCII && !scalar.properties.isAlphabetic && !("0"..."9").contains(scalar): return ScalarSet(scalar...scalar)
        default:
            index -= 1
            throw mistake("the escape \\\(scalar) is not supported")
        }
    }

    private mutating func characterClass() throws(PatternError) -> ScalarSet {
        var set = ScalarSet()
        let inverted = peek == "^"
        if inverted { index += 1 }
        guard peek != "]" else { throw mistake("an empty class") }
        while let scalar = peek, scalar != "]" {
            guard let lower = try classMember(into: &set) else { continue }
            guard peek == "-", index + 1 < scalars.count, scalars[index + 1] != "]" else {
                set.insert(lower...lower)
                continue
            }
            index += 1
            guard let upper = try classMember(into: &set) else { throw mistake("a range must end with one character") }
            guard lower <= upper else { throw mistake("the range is the wrong way round") }
            set.insert(lower...upper)
        }
        guard peek == "]" else { throw mistake("expected \"]\"") }
        index += 1
        return inverted ? set.inverted : set
    }

    /// One scalar of a class, or nil after a `\d`, `\w` or `\s`, which was added to the set.
    private mutating func classMember(into set: inout ScalarSet) throws(PatternError) -> Unicode.Scalar? {
        guard let scalar = peek else { throw mistake("expected \"]\"") }
        index += 1
        guard scalar == "\\" else {
            if scalar == "[" { throw mistake("\"[\" in a class must be escaped") }
            return scalar
        }
        switch peek {
        case "d", "w", "s":
            set.formUnion(try escape())
            return nil
        case "n":
            index += 1
            return "\n"
        case "r":
            index += 1
            return "\r"
        case "t":
            index += 1
            return "\t"
        case .some(let escaped) where escaped.isASCII && !escaped.properties.isAlphabetic && !("0"..."9").contains(escaped):
            index += 1
            return escaped
        default: throw mistake("this escape is not supported in a class")
        }
    }

    private mutating func emit(_ node: Node) throws(PatternError) {
        guard program.count < Self.stepLimit else { throw mistake("the pattern is too large") }
        switch node {
        case .empty: break
        case .scalars(let set): program.append(.scalars(set))
        case .start: program.append(.start)
        case .end: program.append(.end)
        case .sequence(let parts): for part in parts { try emit(part) }
        case .either(let branches): try emit(branches[...])
        case .repeated(let inner, let minimum, let maximum):
            for _ in 0..<minimum {
                let before = program.count
                try emit(inner)
                // Nothing, however often: `((){1000}){1000}` must not take the time that it spells.
                if program.count == before { break }
            }
            guard let maximum else { return try emitLoop(inner) }
            var exits: [Int] = []
            for _ in minimum..<maximum {
                exits.append(program.count)
                program.append(.match)
                try emit(inner)
            }
            for exit in exits { program[exit] = .split(exit + 1, program.count) }
        }
    }

    private mutating func emit(_ branches: ArraySlice<Node>) throws(PatternError) {
        guard let first = branches.first else { return }
        guard branches.count > 1 else { return try emit(first) }
        let split = program.count
        program.append(.match)
        try emit(first)
        let jump = program.count
        program.append(.match)
        program[split] = .split(split + 1, program.count)
        try emit(branches.dropFirst())
        program[jump] = .jump(program.count)
    }

    private mutating func emitLoop(_ inner: Node) throws(PatternError) {
        let split = program.count
        program.append(.match)
        try emit(inner)
        program.append(.jump(split))
        program[split] = .split(split + 1, program.count)
    }
}
