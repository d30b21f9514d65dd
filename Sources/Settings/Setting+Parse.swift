internal import JSON

/// What a setting wanted instead.
struct SettingRefusal: Error {
    let expected: String
}

extension Setting {
    /// The value that an input stands for.
    func value(of input: SettingsReader.Input) throws(SettingRefusal) -> SettingValue {
        switch kind {
        case .list: return .list(try elements(of: input))
        case .durations:
            var durations: [Duration] = []
            for element in try elements(of: input) {
                guard let duration = SettingDuration.parse(element) else { throw SettingRefusal(expected: expectation) }
                durations.append(duration)
            }
            return .durations(durations)
        default: return try scalar(try text(of: input))
        }
    }

    /// What the kind asks for, in words.
    package var expectation: String {
        switch kind {
        case .string: "a text"
        case .int(let range) where range.upperBound == .max: "an integer of at least \(range.lowerBound)"
        case .int(let range): "an integer from \(range.lowerBound) to \(range.upperBound)"
        case .duration(let range):
            "a duration from \(SettingDuration.text(range.lowerBound)) to \(SettingDuration.text(range.upperBound)), such as 15s, 5m or 2h"
        case .size(let range): "a size from \(SettingSize.text(range.lowerBound)) to \(SettingSize.text(range.upperBound)), such as 64KiB"
        case .bool: "true or false"
        case .choice(let choices): "one of " + choices.joined(separator: ", ")
        case .list: "a list of texts"
        case .durations: "a list of durations, such as 5s,5m,2h"
        case .url(let schemes): "a URL that begins with " + schemes.map { $0 + "://" }.joined(separator: " or ")
        case .secret: "a secret text"
        }
    }

    private func scalar(_ text: String) throws(SettingRefusal) -> SettingValue {
        if let expected = check(text) { throw SettingRefusal(expected: expected) }
        switch kind {
        case .string: return .string(text)
        case .int(let range): if let value = Int(text), range.contains(value) { return .int(value) }
        case .duration(let range): if let value = SettingDuration.parse(text), range.contains(value) { return .duration(value) }
        case .size(let range): if let value = SettingSize.parse(text), range.contains(value) { return .size(value) }
        case .bool:
            switch text.lowercased() {
            case "true", "1", "yes": return .bool(true)
            case "false", "0", "no": return .bool(false)
            default: break
            }
        case .choice(let choices): if choices.contains(text) { return .string(text) }
        case .url(let schemes):
            let url = SettingURL(text)
            if schemes.contains(url.scheme), text.dropFirst(url.scheme.count).hasPrefix("://"), text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) {
                return .url(url)
            }
        case .secret: if !text.isEmpty { return .secret(Secret(text)) }
        case .list, .durations: break
        }
        throw SettingRefusal(expected: expectation)
    }

    /// In the file, numbers and booleans may be written as JSON's own; in the environment all is text.
    private func text(of input: SettingsReader.Input) throws(SettingRefusal) -> String {
        switch (input, kind) {
        case (.text(let text), _): return text
        case (.json(.string(let text)), .string), (.json(.string(let text)), .duration), (.json(.string(let text)), .size),
            (.json(.string(let text)), .choice), (.json(.string(let text)), .url), (.json(.string(let text)), .secret):
            return text
        case (.json(.int(let number)), .int), (.json(.int(let number)), .size): return String(number)
        case (.json(.bool(let bool)), .bool): return String(bool)
        default: throw SettingRefusal(expected: expectation)
        }
    }

    private func elements(of input: SettingsReader.Input) throws(SettingRefusal) -> [String] {
        let elements: [String]
        switch input {
        case .text(let text):
            elements = text.split(separator: ",").map { $0.trimmed }.filter { !$0.isEmpty }
        case .json(.array(let array)):
            elements = array.compactMap(\.string)
            guard elements.count == array.count else { throw SettingRefusal(expected: expectation) }
        case .json: throw SettingRefusal(expected: expectation)
        }
        for element in elements {
            if let expected = check(element) { throw SettingRefusal(expected: expected) }
        }
        return elements
    }
}

extension Substring {
    fileprivate var trimmed: String {
        String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}
