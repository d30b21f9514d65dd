internal import JSON

// Command line over environment over file over default, by setting. Reading never stops at the first mistake: every source is read wholly, and
// all mistakes are thrown together. An unknown name is a mistake as well, since a misspelt setting that silently keeps its default is found in
// production, months later.

/// Reads a table of settings from all of their sources.
package struct SettingsReader {
    private let table: [Setting]
    private let otherVariables: Set<String>
    private let readFile: (String) throws(TextFile.Failure) -> [UInt8]
    private var found: [String: (input: Input, source: SettingSource)] = [:]
    private var mistakes: [SettingsError.Mistake] = []

    /// A value as its source has it: text, or JSON of the file.
    enum Input {
        case text(String)
        case json(JSONValue)
    }

    /// The variable that names the configuration file.
    package static let configVariable = "MILLRACE_CONFIG"
    /// Variables with this beginning belong to the tests.
    package static let testPrefix = "MILLRACE_TEST_"

    /// A reader of this table; `otherVariables` begin with `MILLRACE_` and are somebody else's.
    package init(
        table: [Setting], otherVariables: Set<String> = [], readFile: @escaping (String) throws(TextFile.Failure) -> [UInt8] = TextFile.read
    ) {
        self.table = table
        self.otherVariables = otherVariables
        self.readFile = readFile
    }

    /// The values of all settings, or every mistake in a SettingsError.
    ///
    /// `roles` decides which settings must be there. `configuration` is the path of the JSON file; without it, `MILLRACE_CONFIG` names one. An
    /// environment variable that is empty counts as not set.
    package func read(
        roles: [String] = [], overrides: [(key: String, text: String)] = [], environment: [String: String] = [:], configuration: String? = nil
    ) throws(SettingsError) -> SettingValues {
        var reading = self
        if let path = configuration ?? environment[Self.configVariable].flatMap({ $0.isEmpty ? nil : $0 }) { reading.takeFile(path) }
        reading.takeEnvironment(environment)
        reading.takeOverrides(overrides)
        let values = reading.values(roles: roles)
        guard reading.mistakes.isEmpty else { throw SettingsError(reading.mistakes) }
        return values
    }

    private mutating func takeOverrides(_ overrides: [(key: String, text: String)]) {
        for (key, text) in overrides {
            guard table.contains(where: { $0.key == key }) else {
                let hint = Spelling.hint(for: key, among: table.map(\.key))
                mistakes.append(.init(Excerpt.plain(key), .commandLine, "there is no such setting" + hint))
                continue
            }
            found[key] = (.text(text), .commandLine)
        }
    }

    private mutating func takeEnvironment(_ environment: [String: String]) {
        var known = otherVariables.union([Self.configVariable])
        for setting in table {
            let name = setting.environmentName
            known.insert(name)
            let text = environment[name].flatMap { $0.isEmpty ? nil : $0 }
            if let text { found[setting.key] = (.text(text), .environment(name)) }

            guard setting.mayComeFromFile else { continue }
            let fileName = name + "_FILE"
            known.insert(fileName)
            guard let path = environment[fileName], !path.isEmpty else { continue }
            let source = SettingSource.environmentFile(fileName, path: path)
            guard text == nil else {
                mistakes.append(.init(setting.key, source, "set either \(name) or \(fileName), not both"))
                continue
            }
            do {
                found[setting.key] = (.text(try content(of: path)), source)
            } catch {
                mistakes.append(.init(setting.key, source, "\(error)"))
            }
        }
        for name in environment.keys.sorted() where name.hasPrefix("MILLRACE_") && !known.contains(name) && !name.hasPrefix(Self.testPrefix) {
            mistakes.append(.init(Excerpt.plain(name), nil, "there is no such variable" + Spelling.hint(for: name, among: known.sorted())))
        }
    }

    /// The text of a secret's file; editors and `echo` end it with a newline that is not meant.
    private func content(of path: String) throws(TextFile.Failure) -> String {
        var bytes = try readFile(path)
        while bytes.last == 0x0A || bytes.last == 0x0D { bytes.removeLast() }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw TextFile.Failure(description: "the file is not UTF-8 text") }
        return text
    }

    private mutating func takeFile(_ path: String) {
        let whole = SettingSource.file(path, pointer: "")
        do {
            let document = try JSONValue(parsing: try readFile(path))
            guard let object = document.object else {
                mistakes.append(.init("configuration file", whole, "must be a JSON object, is \(document.kindName)"))
                return
            }
            take(object, prefix: "", pointer: "", path: path)
        } catch let error as TextFile.Failure {
            mistakes.append(.init("configuration file", whole, error.description))
        } catch {
            mistakes.append(.init("configuration file", whole, "\(error)"))
        }
    }

    private mutating func take(_ object: JSONObject, prefix: String, pointer: String, path: String) {
        for member in object.members where member.key != "$schema" || !prefix.isEmpty {
            let key = prefix + member.key
            let source = SettingSource.file(path, pointer: pointer + "/" + JSONPointer.escaped(member.key))
            if table.contains(where: { $0.key == key }) {
                found[key] = (.json(member.value), source)
            } else if let inner = member.value.object, table.contains(where: { $0.key.hasPrefix(key + ".") }) {
                take(inner, prefix: key + ".", pointer: pointer + "/" + JSONPointer.escaped(member.key), path: path)
            } else if table.contains(where: { $0.key.hasPrefix(key + ".") }) {
                mistakes.append(.init(Excerpt.plain(key), source, "must be an object of settings, is \(member.value.kindName)"))
            } else {
                let sections = prefix.isEmpty ? Set(table.map(\.section)).sorted() : []
                let hint = Spelling.hint(for: key, among: table.map(\.key) + sections)
                mistakes.append(.init(Excerpt.plain(key), source, "there is no such setting" + hint))
            }
        }
    }

    private mutating func values(roles: [String]) -> SettingValues {
        var values = SettingValues(table: table)
        let broken = Set(mistakes.map(\.key))
        for setting in table {
            let entry = found[setting.key] ?? setting.fallback.map { (.text($0), .fallback) }
            guard let (input, source) = entry else {
                if setting.isRequired(by: roles), !broken.contains(setting.key) {
                    mistakes.append(.init(setting.key, nil, "is required; set \(setting.environmentName) or \"\(setting.key)\" in the file"))
                }
                continue
            }
            do {
                values.entries[setting.key] = .init(value: try setting.value(of: input), source: source)
            } catch {
                mistakes.append(.init(setting.key, source, "expected \(error.expected)"))
            }
        }
        return values
    }
}

extension Setting {
    fileprivate func isRequired(by roles: [String]) -> Bool {
        switch requirement {
        case .never: false
        case .always: true
        case .roles(let needing): needing.contains(where: roles.contains)
        }
    }
}
