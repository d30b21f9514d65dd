// A matcher for the keyword `pattern` that cannot be made slow. Backtracking engines take exponential time on `^(a+)+$`; this one follows all
// possibilities at once (Thompson, 1968): the time is at most length of the text × size of the pattern, whatever the two are.
//
// The subset: literals, `.`, classes `[a-z_]` and `[^…]`, `\d \w \s \D \W \S` (ASCII), escapes of punctuation and `\n \r \t`, groups `(…)` and
// `(?:…)` without captures, alternation `|`, the quantifiers `? * + {m} {m,} {m,n}`, and the anchors `^` and `$`. As in JSON Schema, a pattern
// without anchors may match anywhere. Everything else (lookaround, backreferences, lazy quantifiers, `\b`, `\p`) is an error at load.

/// A compiled pattern.
package struct Pattern: Sendable {
    package let text: String
    private let program: [PatternStep]

    package init(_ text: String) throws(PatternError) {
        self.text = text
        var compiler = PatternCompiler(text)
        program = try compiler.compile()
    }

    /// True when the pattern matches somewhere in the text.
    package func matches(_ subject: String) -> Bool {
        var run = PatternRun(program: program)
        let scalars = subject.unicodeScalars
        var isStart = true
        for scalar in scalars {
            if run.enter(isStart: isStart, isEnd: false) { return true }
            run.advance(over: scalar)
            isStart = false
        }
        return run.enter(isStart: isStart, isEnd: true)
    }
}

/// What is wrong with a pattern, and at which character (from 1).
package struct PatternError: Error, Hashable, Sendable, CustomStringConvertible {
    package let message: String
    package let position: Int

    package var description: String { "\(message), at character \(position) of the pattern" }
}

/// One step of a compiled pattern; targets are indexes into the program.
enum PatternStep: Sendable {
    case scalars(ScalarSet)
    case split(Int, Int)
    case jump(Int)
    case start
    case end
    case match
}

/// The possibilities that are open at one place of the subject.
private struct PatternRun {
    let program: [PatternStep]
    /// Steps that wait for a scalar.
    private var waiting: [Int] = []
    private var reached: [Int]
    /// Steps to enter at this place, carried over from the last scalar.
    private var entering: [Int] = []
    private var place = 0

    init(program: [PatternStep]) {
        self.program = program
        reached = [Int](repeating: 0, count: program.count)
    }

    /// Follows everything that needs no scalar; true when the pattern has matched.
    ///
    /// A match may begin at every place, hence step 0 each time.
    mutating func enter(isStart: Bool, isEnd: Bool) -> Bool {
        place += 1
        waiting.removeAll(keepingCapacity: true)
        entering.append(0)
        while let step = entering.popLast() {
            guard reached[step] != place else { continue }
            reached[step] = place
            switch program[step] {
            case .scalars: waiting.append(step)
            case .split(let left, let right):
                entering.append(left)
                entering.append(right)
            case .jump(let target): entering.append(target)
            case .start: if isStart { entering.append(step + 1) }
            case .end: if isEnd { entering.append(step + 1) }
            case .match: return true
            }
        }
        return false
    }

    mutating func advance(over scalar: Unicode.Scalar) {
        for step in waiting {
            if case .scalars(let set) = program[step], set.contains(scalar) { entering.append(step + 1) }
        }
    }
}
