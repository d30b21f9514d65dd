import JSON
import Settings
import Testing

@Suite struct MillraceSettingsTests {
    let key = String(repeating: "A", count: 43) + "="

    var environment: [String: String] {
        [
            "MILLRACE_DATABASE_URL": "postgresql://h/d", "MILLRACE_AMQP_URL": "amqp://h/", "MILLRACE_SECURITY_ENCRYPTION_KEYS": "1:\(key)",
            "MILLRACE_SECURITY_TOKEN_KEY": String(repeating: "t", count: 32),
        ]
    }

    func mistakes(_ more: [String: String], roles: Set<MillraceSettings.Role> = Set(MillraceSettings.Role.allCases)) -> [String] {
        do {
            _ = try MillraceSettings.read(for: roles, environment: environment.merging(more) { $1 })
            return []
        } catch {
            return error.mistakes.map(\.key)
        }
    }

    @Test func `with what is required, everything else has a default`() throws {
        let settings = try MillraceSettings.read(for: Set(MillraceSettings.Role.allCases), environment: environment)
        #expect(settings.database.lanes == 8)
        #expect(settings.api.address == "127.0.0.1")
        #expect(settings.api.port == 8080)
        #expect(settings.api.rateLimit == 300)
        #expect(settings.api.tls == nil)
        #expect(settings.webhook.disableAfter == .seconds(432_000))
        #expect(settings.relay.batch == 512)
        #expect(settings.scheduler.rescueAfter == .seconds(5))
        #expect(settings.retention.idempotency == .seconds(172_800))
        #expect(settings.log.level == "info")
        // The telemetry holds the same list (`LogLevel`).
        #expect(LogLevelName.all == ["trace", "debug", "info", "warning", "error"])
        #expect(settings.definitions.directory == nil)
    }

    @Test func `what is required depends on the role`() throws {
        let database = ["MILLRACE_DATABASE_URL": "postgresql://h/d"]
        #expect(throws: Never.self) { try MillraceSettings.read(environment: database) }
        #expect(throws: Never.self) { try MillraceSettings.read(for: [.scheduler], environment: database) }
        for (role, keys) in [
            (MillraceSettings.Role.relay, ["amqp.url"]), (.worker, ["amqp.url", "security.encryptionKeys"]),
            (.api, ["security.encryptionKeys", "security.tokenKey"]),
        ] {
            let error = #expect(throws: SettingsError.self) { try MillraceSettings.read(for: [role], environment: database) }
            #expect(error?.mistakes.map(\.key) == keys)
        }
    }

    @Test func `the rows are sound`() {
        let table = MillraceSettings.table
        #expect(Set(table.map(\.key)).count == table.count)
        var names = Set([SettingsReader.configVariable])
        for setting in table {
            #expect(setting.key.split(separator: ".").count == 2, "\(setting.key)")
            #expect(names.insert(setting.environmentName).inserted, "\(setting.key)")
            if setting.mayComeFromFile { #expect(names.insert(setting.environmentName + "_FILE").inserted, "\(setting.key)") }
            #expect(!setting.environmentName.hasPrefix(SettingsReader.testPrefix))
            #expect(setting.summary.hasSuffix("."), "\(setting.key)")
            #expect(setting.requirement == .never || setting.fallback == nil, "\(setting.key) is required and has a default")
        }
    }

    @Test func `every row reaches its property`() throws {
        // Mirrors count the leaves of the typed struct: as many as there are rows, less one, since certificate and key make one.
        let settings = try MillraceSettings.read(
            environment: environment.merging(["MILLRACE_API_TLS_CERTIFICATE": "c", "MILLRACE_API_TLS_KEY": "k"]) { $1 })
        let leaves = Mirror(reflecting: settings).children.filter { $0.label != "values" }.map { Mirror(reflecting: $0.value).children.count }.reduce(
            0, +)
        #expect(leaves == MillraceSettings.table.count - 1)
        #expect(settings.api.tls?.certificate == "c")
        #expect(settings.api.tls?.key == "k")
    }

    @Test func `certificate and key come together`() {
        #expect(mistakes(["MILLRACE_API_TLS_KEY": "k"]) == ["api.tlsCertificate"])
        #expect(mistakes(["MILLRACE_API_TLS_CERTIFICATE": "c"]) == ["api.tlsKey"])
    }

    @Test func `values that would fail later are refused now`() {
        let wrong: [(String, String)] = [
            ("api.address", "localhost"), ("api.trustedProxies", "10.0.0.1"), ("api.origins", "https://a.example/path"), ("api.origins", "a.example"),
            ("api.publicURL", "a.example"), ("amqp.prefix", "a b"), ("security.tokenKey", "short"), ("security.encryptionKeys", "k1"),
            ("security.encryptionKeys", "1:AAAA"), ("security.encryptionKeys", "1:\(key),1:\(key)"), ("security.encryptionKeys", "1:\(key),"),
            ("webhook.allowedNetworks", "10.0.0.0/33"), ("log.level", "loud"),
            ("database.lanes", "0"), ("api.port", "65536"), ("scheduler.frozenAfter", "1s"), ("database.url", "mysql://h/d"),
        ]
        for (key, text) in wrong { #expect(mistakes([Setting.environmentName(of: key): text]) == [key], "\(key)=\(text)") }
        #expect(mistakes(["MILLRACE_SCHEDULER_RESCUE_AFTER": "100s"]) == ["scheduler.frozenAfter"])
        let right: [(String, String)] = [
            ("api.address", "::1"), ("api.trustedProxies", "10.0.0.0/8, ::1/128"), ("api.origins", "https://a.example,http://b.example:81"),
            ("security.encryptionKeys", "2:\(key),1:\(key)"), ("log.level", "debug"), ("api.bodyLimit", "2MiB"),
        ]
        for (key, text) in right { #expect(mistakes([Setting.environmentName(of: key): text]) == [], "\(key)=\(text)") }
    }

    @Test func `the document has a row for every setting`() {
        let text = SettingsDocument.markdown(MillraceSettings.table)
        let rows = text.split(separator: "\n").filter { $0.hasPrefix("| `") }
        #expect(rows.count == MillraceSettings.table.count)
        #expect(text.hasPrefix("## database\n\n| Setting | Environment | Value | Default | Meaning |\n|---|---|---|---|---|\n"))
        #expect(text.contains("| `database.lanes` | `MILLRACE_DATABASE_LANES` | an integer from 1 to 256 | `8` | "))
        #expect(
            text.contains("| `amqp.url` | `MILLRACE_AMQP_URL` (`_FILE`) | a URL that begins with amqp:// or amqps:// | required by relay, worker | "))
    }
}
