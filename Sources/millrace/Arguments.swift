internal import Bytes

/// The words after a command's name, read strictly: an unknown option is an error that names the nearest known one.
struct Arguments {
    private(set) var words: [String] = []
    private var values: [String: [String]] = [:]
    private var given: Set<String> = []

    /// Options that every command has: a configuration file and single settings.
    static let common = ["--config", "--set"]

    init(_ words: [String], flags: [String], options: [String]) throws(CommandFailure) {
        let flags = flags + ["--json"]
        let options = options + Self.common
        var rest = words[...]
        while let word = rest.popFirst() {
            guard word.hasPrefix("--") else {
                self.words.append(word)
                continue
            }
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            if flags.contains(parts[0]), parts.count == 1 {
                given.insert(parts[0])
            } else if options.contains(parts[0]) {
                guard let value = parts.count == 2 ? parts[1] : rest.popFirst() else { throw .usage("\(parts[0]) needs a value") }
                values[parts[0], default: []].append(value)
            } else {
                throw .usage("there is no option \"\(parts[0])\"" + Suggestion.hint(parts[0], flags + options))
            }
        }
    }

    /// The flag or option stands there, with whatever value.
    func isGiven(_ name: String) -> Bool { given.contains(name) || values[name] != nil }

    func has(_ flag: String) -> Bool { given.contains(flag) }

    func value(_ option: String) -> String? { values[option]?.last }

    func all(_ option: String) -> [String] { values[option] ?? [] }

    var wantsJSON: Bool { has("--json") }

    /// The settings that `--set key=value` gives.
    var overrides: [(key: String, text: String)] {
        get throws(CommandFailure) {
            var overrides: [(key: String, text: String)] = []
            for text in all("--set") {
                guard let equals = text.firstIndex(of: "=") else { throw .usage("--set takes key=value, not \"\(text)\"") }
                overrides.append((String(text[..<equals]), String(text[text.index(after: equals)...])))
            }
            return overrides
        }
    }

    /// The word at a place, or a complaint that says what belongs there.
    func word(_ index: Int, _ what: String) throws(CommandFailure) -> String {
        guard index < words.count else { throw .usage("name \(what)") }
        return words[index]
    }

    func number(_ option: String, default standard: Int, least: Int = 0) throws(CommandFailure) -> Int {
        guard let text = value(option) else { return standard }
        guard let number = Int(text), number >= least else {
            throw .usage("\(option) takes a whole number\(least > 0 ? " from \(least) on" : ""), not \"\(text)\"")
        }
        return number
    }
}

/// "did you mean".
enum Suggestion {
    static func hint(_ name: String, _ known: [String]) -> String {
        NearestName.suggestion(for: name, among: known).map { "; did you mean \($0)?" } ?? ""
    }
}
