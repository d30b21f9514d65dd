import Settings
import Testing

@Suite struct TextTests {
    @Test(arguments: [
        ("database.url", "MILLRACE_DATABASE_URL"), ("webhook.requireHTTPS", "MILLRACE_WEBHOOK_REQUIRE_HTTPS"),
        ("api.publicURL", "MILLRACE_API_PUBLIC_URL"),
        ("api.trustedProxies", "MILLRACE_API_TRUSTED_PROXIES"), ("api.tlsKey", "MILLRACE_API_TLS_KEY"), ("a.URLPrefix", "MILLRACE_A_URL_PREFIX"),
    ])
    func `the variable's name follows from the key`(key: String, name: String) {
        #expect(Setting.environmentName(of: key) == name)
    }

    @Test func `durations are read and written as people write them`() {
        let readable: [(String, Duration)] = [
            ("250ms", .milliseconds(250)), ("15s", .seconds(15)), ("5m", .seconds(300)), ("2h", .seconds(7200)), ("30d", .seconds(2_592_000)),
            ("1h30m", .seconds(5400)), ("0s", .zero), ("90s", .seconds(90)),
        ]
        for (text, duration) in readable { #expect(SettingDuration.parse(text) == duration) }
        for text in ["", "15", "s", "1.5s", "-1s", "1 s", "1w", "15S", "1h30", "99999999999d", "１s"] {
            #expect(SettingDuration.parse(text) == nil, "\(text)")
        }
        for text in ["250ms", "15s", "5m", "2h", "30d", "90m", "0s", "90s"] { #expect(SettingDuration.parse(text).map(SettingDuration.text) == text) }
    }

    @Test func `sizes are read and written as people write them`() {
        #expect(SettingSize.parse("1MiB") == 1_048_576)
        #expect(SettingSize.parse("64KiB") == 65_536)
        #expect(SettingSize.parse("100") == 100)
        #expect(SettingSize.parse("100B") == 100)
        for text in ["", "MiB", "1MB", "1mib", "-1", "1.5MiB", "9999999999999GiB"] { #expect(SettingSize.parse(text) == nil, "\(text)") }
        #expect(SettingSize.text(1 << 20) == "1MiB")
        #expect(SettingSize.text(1500) == "1500B")
        #expect(SettingSize.text(0) == "0B")
    }

    @Test(arguments: [
        ("postgresql://u:p@h/d", "postgresql://u:•••@h/d"), ("amqp://u:p@w@h:1/", "amqp://u:•••@h:1/"), ("amqp://u:a/b?c@h/", "amqp://u:•••@h/"),
        ("postgresql://u@h/d", "postgresql://u@h/d"), ("postgresql://h/d?password=p", "postgresql://h/d?password=•••"), ("no url", "no url"),
        ("https://h:81/p?q=1", "https://h:81/p?q=1"),
    ])
    func `a URL prints without its password`(text: String, shown: String) {
        #expect("\(SettingURL(text))" == shown)
    }

    @Test func `a secret prints as dots in every way of printing`() {
        let secret = Secret("hunter2")
        #expect("\(secret)" == "•••")
        #expect(String(reflecting: ["key": secret]).contains("•••"))
        #expect(!String(reflecting: Optional(secret)).contains("hunter2"))
        #expect(secret.reveal == "hunter2")
    }
}
