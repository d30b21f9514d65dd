internal import Bytes

/// One field of a cron expression: its name in messages, its numbers, and the names that stand for numbers.
struct CronField {
    let name: String
    let range: ClosedRange<Int>
    var names: [String] = []

    static let minute = CronField(name: "minute", range: 0...59)
    static let hour = CronField(name: "hour", range: 0...23)
    static let dayOfMonth = CronField(name: "day of month", range: 1...31)
    static let month = CronField(
        name: "month", range: 1...12, names: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"])
    static let dayOfWeek = CronField(name: "day of week", range: 0...7, names: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"])

    /// The bits of the numbers that match.
    func parse(_ text: Substring) throws(ClocksError) -> UInt64 {
        var bits: UInt64 = 0
        for item in text.split(separator: ",", omittingEmptySubsequences: false) {
            for number in try numbers(item) { bits |= 1 << UInt64(number) }
        }
        return bits
    }

    private func numbers(_ item: Substring) throws(ClocksError) -> StrideThrough<Int> {
        let parts = item.split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.first, !first.isEmpty, parts.count <= 2 else { throw failure("'\(item)' is not a number, a range or a step") }
        let bounds = try bounds(first)
        guard parts.count == 2 else { return stride(from: bounds.lowerBound, through: bounds.upperBound, by: 1) }
        guard first == "*" || first.contains("-") else {
            throw failure("a step needs a range or a star before it, as in \(first)-\(range.upperBound)/\(parts[1])")
        }
        guard let step = number(parts[1]), step > 0 else { throw failure("the step '\(parts[1])' is not a number above 0") }
        guard step <= range.upperBound else { throw failure("the step \(step) is larger than the field") }
        return stride(from: bounds.lowerBound, through: bounds.upperBound, by: step)
    }

    private func bounds(_ text: Substring) throws(ClocksError) -> ClosedRange<Int> {
        if text == "*" { return range.lowerBound...(names.count == 7 ? 6 : range.upperBound) }
        let ends = text.split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count <= 2 else { throw failure("'\(text)' is not a number, a range or a step") }
        let from = try value(ends[0])
        guard ends.count == 2 else { return from...from }
        var through = try value(ends[1])
        // FRI-SUN: a week that ends with its Sunday.
        if names.count == 7, through == 0, from > 0 { through = 7 }
        guard from <= through else { throw failure("the range '\(text)' runs backwards") }
        return from...through
    }

    private func value(_ text: Substring) throws(ClocksError) -> Int {
        if let index = names.firstIndex(of: text.uppercased()) { return index + (names.count == 12 ? 1 : 0) }
        guard let number = number(text) else {
            let hint = NearestName.suggestion(for: String(text), among: names).map { ", did you mean \($0)?" } ?? ""
            throw failure("'\(text)' is not a number\(names.isEmpty ? "" : " or a name like \(names[1])")\(hint)")
        }
        guard range.contains(number) else { throw failure("\(number) is not within \(range.lowerBound)–\(range.upperBound)") }
        return number
    }

    private func number(_ text: Substring) -> Int? {
        var digits = DigitScanner(text)
        guard let (value, _) = digits.digits(atMost: 4), digits.isAtEnd else { return nil }
        return value
    }

    private func failure(_ message: String) -> ClocksError { ClocksError(.invalid, "cron \(name): \(message)") }
}

extension CronExpression {
    /// The five fields, a nickname spelled out.
    static func fields(of text: String) throws(ClocksError) -> [Substring] {
        guard text.utf8.count <= 256 else { throw ClocksError(.invalid, "cron: the expression is longer than 256 bytes") }
        if text.hasPrefix("@") {
            guard let meaning = nicknames.first(where: { $0.name == text })?.meaning else {
                let hint = NearestName.suggestion(for: text, among: nicknames.map(\.name)).map { ", did you mean \($0)?" } ?? ""
                throw ClocksError(.invalid, "cron: '\(text)' is not known\(hint)")
            }
            return meaning.split(separator: " ")
        }
        let fields = text.split { $0 == " " || $0 == "\t" }
        guard fields.count == 5 else {
            throw ClocksError(.invalid, "cron: five fields are needed (minute hour day month weekday), not \(fields.count)")
        }
        return fields
    }

    private static let nicknames: [(name: String, meaning: String)] = [
        ("@hourly", "0 * * * *"), ("@daily", "0 0 * * *"), ("@midnight", "0 0 * * *"), ("@weekly", "0 0 * * 0"), ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"), ("@annually", "0 0 1 1 *"),
    ]
}
