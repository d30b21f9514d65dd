import Settings
import Testing

@Suite struct ReaderTests {
    static let table: [Setting] = [
        Setting("database.url", .url(schemes: ["postgresql"]), required: .always, "The database."),
        Setting("database.lanes", .int(1...16), default: "8", "Lanes."),
        Setting("api.name", .string, default: "", "A name."),
        Setting("api.timeout", .duration(.seconds(1) ... .seconds(60)), default: "15s", "A timeout."),
        Setting("api.limit", .size(1...1 << 30), default: "1MiB", "A size."),
        Setting("api.secure", .bool, default: "true", "A switch."),
        Setting("api.mode", .choice(["fast", "safe"]), default: "safe", "A choice."),
        Setting("api.peers", .list, default: "", "Peers.", check: { $0.hasPrefix("p") ? nil : "names that begin with p" }),
        Setting("api.pauses", .durations, default: "5s,5m", "Pauses."),
        Setting("api.tokenKey", .secret, required: .roles(["api"]), "A key."),
    ]

    static let base = ["MILLRACE_DATABASE_URL": "postgresql://u:hunter2@h/d"]

    func reader(_ files: [String: String] = [:]) -> SettingsReader {
        SettingsReader(table: Self.table) { path throws(TextFile.Failure) in
            guard let text = files[path] else { return try TextFile.read("/nonexistent/\(path)") }
            return Array(text.utf8)
        }
    }

    func mistakes(
        roles: [String] = [], overrides: [(key: String, text: String)] = [], environment: [String: String] = base, file: String? = nil,
        files: [String: String] = [:]
    ) -> [String] {
        var files = files
        if let file { files["m.json"] = file }
        do {
            _ = try reader(files).read(roles: roles, overrides: overrides, environment: environment, configuration: file == nil ? nil : "m.json")
            return []
        } catch {
            return error.mistakes.map(\.description)
        }
    }

    @Test func `the defaults are what the table says`() throws {
        let values = try reader().read(environment: Self.base)
        #expect(values.int("database.lanes") == 8)
        #expect(values.string("api.name") == "")
        #expect(values.duration("api.timeout") == .seconds(15))
        #expect(values.size("api.limit") == 1 << 20)
        #expect(values.bool("api.secure"))
        #expect(values.list("api.peers") == [])
        #expect(values.durations("api.pauses") == [.seconds(5), .seconds(300)])
        #expect(values.secret("api.tokenKey") == nil)
        #expect(values["database.lanes"]?.source == .fallback)
        #expect(values["database.url"]?.source == .environment("MILLRACE_DATABASE_URL"))
    }

    @Test func `the command line goes over the environment, that over the file, that over the default`() throws {
        let file = #"{"database":{"lanes":2},"api":{"name":"file","mode":"fast"}}"#
        let environment = Self.base.merging(["MILLRACE_DATABASE_LANES": "3", "MILLRACE_API_NAME": "environment", "MILLRACE_CONFIG": "c.json"]) { $1 }
        let values = try reader(["c.json": file]).read(overrides: [("database.lanes", "4")], environment: environment)
        #expect(values.int("database.lanes") == 4)
        #expect(values.string("api.name") == "environment")
        #expect(values.string("api.mode") == "fast")
        #expect(values["database.lanes"]?.source == .commandLine)
        #expect(values["api.mode"]?.source == .file("c.json", pointer: "/api/mode"))
    }

    @Test func `an empty variable counts as not set`() throws {
        #expect(
            try reader().read(environment: Self.base.merging(["MILLRACE_DATABASE_LANES": "", "MILLRACE_CONFIG": ""]) { $1 }).int("database.lanes")
                == 8)
    }

    @Test func `the file may say values in JSON's own types`() throws {
        let file =
            #"{"database":{"lanes":5},"api":{"secure":false,"peers":["p1","p2"],"pauses":["1s","2m"],"limit":100,"timeout":"2s","tokenKey":"k"}}"#
        let values = try reader(["m.json": file]).read(environment: Self.base, configuration: "m.json")
        #expect(values.int("database.lanes") == 5)
        #expect(!values.bool("api.secure"))
        #expect(values.list("api.peers") == ["p1", "p2"])
        #expect(values.durations("api.pauses") == [.seconds(1), .seconds(120)])
        #expect(values.size("api.limit") == 100)
        #expect(values.secret("api.tokenKey")?.reveal == "k")
    }

    @Test func `lists are separated by commas in the environment`() throws {
        #expect(try reader().read(environment: Self.base.merging(["MILLRACE_API_PEERS": " p1, p2 ,,"]) { $1 }).list("api.peers") == ["p1", "p2"])
    }

    @Test func `a secret may come from a file, without its last newline`() throws {
        let values = try reader(["/run/key": "abc\n", "/run/url": "postgresql://h/d\r\n"]).read(
            roles: ["api"], environment: ["MILLRACE_DATABASE_URL_FILE": "/run/url", "MILLRACE_API_TOKEN_KEY_FILE": "/run/key"])
        #expect(values.secret("api.tokenKey")?.reveal == "abc")
        #expect(values.url("database.url")?.reveal == "postgresql://h/d")
        #expect(values["api.tokenKey"]?.source == .environmentFile("MILLRACE_API_TOKEN_KEY_FILE", path: "/run/key"))
    }

    @Test func `all mistakes are told at once, each with its source and what was expected`() {
        let told = mistakes(
            roles: ["api"], overrides: [("api.tmieout", "1s"), ("api.secure", "maybe")],
            environment: [
                "MILLRACE_DATABASE_LANES": "17", "MILLRACE_DATABSE_URL": "x", "MILLRACE_API_TIMEOUT": "15", "MILLRACE_API_NAME_FILE": "/nowhere",
                "MILLRACE_TEST_POSTGRES": "ignored", "PATH": "ignored",
            ],
            file: #"{"$schema":"s","api":{"mode":"quick","peer":[],"limit":"9GiB","pauses":[1]},"apo":1,"database":7}"#)
        #expect(
            told == [
                "api.peer (from m.json#/api/peer): there is no such setting: did you mean \"api.peers\"?",
                "apo (from m.json#/apo): there is no such setting: did you mean \"api\"?",
                "database (from m.json#/database): must be an object of settings, is an integer",
                "api.name (from MILLRACE_API_NAME_FILE (/nowhere)): there is no such file",
                "MILLRACE_DATABSE_URL: there is no such variable: did you mean \"MILLRACE_DATABASE_URL\"?",
                "api.tmieout (from command line): there is no such setting: did you mean \"api.timeout\"?",
                "database.url: is required; set MILLRACE_DATABASE_URL or \"database.url\" in the file",
                "database.lanes (from MILLRACE_DATABASE_LANES): expected an integer from 1 to 16",
                "api.timeout (from MILLRACE_API_TIMEOUT): expected a duration from 1s to 1m, such as 15s, 5m or 2h",
                "api.limit (from m.json#/api/limit): expected a size from 1B to 1GiB, such as 64KiB",
                "api.secure (from command line): expected true or false",
                "api.mode (from m.json#/api/mode): expected one of fast, safe",
                "api.pauses (from m.json#/api/pauses): expected a list of durations, such as 5s,5m,2h",
                "api.tokenKey: is required; set MILLRACE_API_TOKEN_KEY or \"api.tokenKey\" in the file",
            ])
    }

    @Test func `a wrong file says what is wrong with it`() {
        #expect(mistakes(file: "{\n\"api\": }") == ["configuration file (from m.json): line 2, column 8: expected a value, found \"}\""])
        #expect(mistakes(file: "[]") == ["configuration file (from m.json): must be a JSON object, is an array"])
        #expect(
            mistakes(environment: Self.base.merging(["MILLRACE_CONFIG": "no.json"]) { $1 }) == [
                "configuration file (from no.json): there is no such file"
            ])
    }

    @Test func `a value and its file at once are a mistake`() {
        let told = mistakes(
            environment: Self.base.merging(["MILLRACE_API_TOKEN_KEY": "a", "MILLRACE_API_TOKEN_KEY_FILE": "/f"]) { $1 }, files: ["/f": "b"])
        #expect(
            told == [
                "api.tokenKey (from MILLRACE_API_TOKEN_KEY_FILE (/f)): set either MILLRACE_API_TOKEN_KEY or MILLRACE_API_TOKEN_KEY_FILE, not both"
            ])
    }

    @Test func `a check of a row speaks for each element`() {
        #expect(
            mistakes(environment: Self.base.merging(["MILLRACE_API_PEERS": "p1,q"]) { $1 })
                == ["api.peers (from MILLRACE_API_PEERS): expected names that begin with p"])
    }

    @Test func `no secret is ever shown`() throws {
        let environment = ["MILLRACE_DATABASE_URL": "postgresql://u:hunter2@h/d?sslpassword=hunter2&x=1", "MILLRACE_API_TOKEN_KEY": "hunter2"]
        let values = try reader().read(environment: environment)
        let shown = "\(values) \(values.listing()) \(String(reflecting: values)) \(dumped(values))"
        #expect(!shown.contains("hunter2"))
        #expect(values.listing().contains("postgresql://u:•••@h/d?sslpassword=•••&x=1"))
        for wrong in ["mysql://u:hunter2@h", "hunter2", "postgresql:hunter2", "postgresql://h/ hunter2"] {
            #expect(!mistakes(environment: ["MILLRACE_DATABASE_URL": wrong]).joined().contains("hunter2"))
            #expect(!mistakes(environment: ["MILLRACE_DATABASE_URL": wrong]).isEmpty)
        }
        #expect(!mistakes(file: #"{"api":{"tokenKey":["hunter2"]}}"#).joined().contains("hunter2"))
    }

    private func dumped(_ value: some Any) -> String {
        var text = ""
        dump(value, to: &text)
        return text
    }

    @Test func `the listing shows every setting with its source`() throws {
        let lines = try reader().read(environment: Self.base).listing().split(separator: "\n")
        #expect(lines.count == Self.table.count)
        #expect(lines[0] == "database.url    postgresql://u:•••@h/d  MILLRACE_DATABASE_URL")
        #expect(lines[1].hasSuffix("default"))
        #expect(lines[9] == "api.tokenKey    (not set)")
    }

    @Test func `real files are read, and missing ones and folders refused`() throws {
        #expect(try !TextFile.read("/proc/self/environ").isEmpty)
        #expect(ProcessEnvironment.current["PATH"] != nil)
        #expect(throws: TextFile.Failure(description: "there is no such file")) { try TextFile.read("/nonexistent") }
        #expect(throws: TextFile.Failure(description: "that is a directory")) { try TextFile.read("/") }
    }
}
