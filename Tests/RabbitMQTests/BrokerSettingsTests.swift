import Testing

@testable import RabbitMQ

@Suite struct BrokerSettingsTests {
    @Test func `a full URL is read and percent-decoded`() throws {
        let settings = try BrokerSettings(url: "amqp://mill%40race:p%3A%2Fs%25@broker.example:5673/main%2Fjobs?heartbeat=7&connection_timeout=1500")
        #expect(settings.user == "mill@race")
        #expect(settings.password == "p:/s%")
        #expect(settings.host == "broker.example")
        #expect(settings.port == 5673)
        #expect(settings.virtualHost == "main/jobs")
        #expect(settings.heartbeatSeconds == 7)
        #expect(settings.connectTimeout == .milliseconds(1500))
        #expect(!settings.usesTLS)
    }

    @Test func `what is left out has its default`() throws {
        let settings = try BrokerSettings(url: "amqp://broker")
        #expect(settings.port == 5672)
        #expect(settings.user == "guest")
        #expect(settings.virtualHost == "/")
        #expect(try BrokerSettings(url: "amqp://broker/").virtualHost == "/")
        #expect(try BrokerSettings(url: "amqp://broker/%2f").virtualHost == "/")
    }

    @Test func `amqps means TLS and its own port`() throws {
        let settings = try BrokerSettings(url: "amqps://u:p@[::1]/?cacertfile=%2Fetc%2Fca.pem")
        #expect(settings.usesTLS)
        #expect(settings.port == 5671)
        #expect(settings.host == "::1")
        #expect(settings.certificateAuthorities == "/etc/ca.pem")
        #expect(try BrokerSettings(url: "amqps://[::1]:99").port == 99)
    }

    @Test(arguments: [
        "http://broker", "amqp://", "amqp://u:p@:5672", "amqp://broker:0", "amqp://broker:70000", "amqp://broker:x", "amqp://broker/a/b",
        "amqp://u%4:p@b", "amqp://u%zz@b", "amqp://u%00@b", "amqp://u%ff@b", "amqp://[::1", "amqp://[::1]x", "amqp://b?heartbeat=-1",
        "amqp://b?hartbeat=1",
    ])
    func `a wrong URL is refused`(url: String) {
        let error = #expect(throws: BrokerError.self) { try BrokerSettings(url: url) }
        #expect(error?.kind == .invalidSettings)
    }

    @Test func `the password is never shown`() throws {
        let settings = try BrokerSettings(url: "amqp://user:s3cret@broker:5672/jobs")
        var dumped = ""
        dump(settings, to: &dumped)
        for text in ["\(settings)", String(reflecting: settings), dumped, "\([settings])"] {
            #expect(!text.contains("s3cret"))
            #expect(text.contains("amqp://user:***@broker:5672/jobs"))
        }
        let error = #expect(throws: BrokerError.self) { try BrokerSettings(url: "amqp://user:s3cret@broker:nope") }
        #expect(error?.description.contains("s3cret") == false)
    }
}
