import Glibc
import Testing

@testable import RabbitMQ

/// What pika (Python, its own implementation of AMQP) writes, we read, and the other way round: our codec is not only its own mirror.
@Suite(
    .enabled(if: TestBroker.url != nil, "MILLRACE_TEST_AMQP names no broker"), .enabled(if: Python.hasPika, "python3 has no pika"),
    .timeLimit(.minutes(1)))
struct ForeignClientTests {
    @Test func `pika reads what we publish`() async throws {
        let printed = try await onThread {
            let broker = try TestBroker()
            let queue = try broker.queue()
            let publisher = try Publisher(broker.settings)
            defer { publisher.close() }
            let headers: [String: HeaderValue] = [
                "text": "grüße", "number": .int(1 << 40), "flag": true, "bytes": .bytes([0, 255]), "list": .array([1, "two"]),
                "table": .table(["a": 1]),
            ]
            let message = OutgoingMessage(routingKey: queue, messageID: "m1", headers: headers, body: Array("body".utf8), contentType: "text/plain")
            #expect(try publisher.publish([message]) == [.confirmed])
            return Python.run(
                """
                method, properties, body = channel.basic_get(queue, auto_ack=True)
                headers = {name: value for name, value in properties.headers.items() if not name.startswith('x-')}
                print(properties.delivery_mode, properties.message_id, properties.content_type, body)
                print(json.dumps(headers, sort_keys=True, default=list, ensure_ascii=False))
                """, queue)
        }
        #expect(
            printed == """
                2 m1 text/plain b'body'
                {"bytes": [0, 255], "flag": true, "list": [1, "two"], "number": 1099511627776, "table": {"a": 1}, "text": "grüße"}

                """)
    }

    @Test func `we read what pika publishes`() async throws {
        let delivery = try await onThread {
            let broker = try TestBroker()
            let queue = try broker.queue()
            _ = Python.run(
                """
                headers = {'text': 'grüße', 'small': 5, 'large': 1 << 40, 'flag': False, 'none': None, 'bytes': b'\\x00\\xff',
                           'list': [1, 'two', [True]], 'table': {'a': {'b': -1}}, 'time': datetime.datetime(2001, 9, 9, 1, 46, 40),
                           'decimal': decimal.Decimal('1.5')}
                properties = pika.BasicProperties(message_id='m1', content_type='text/plain', headers=headers, priority=3, app_id='pika', reply_to='x')
                channel.basic_publish('', queue, 'grüße'.encode(), properties)
                """, queue)
            let consumer = try Consumer(broker.settings)
            defer { consumer.close() }
            _ = try consumer.consume(queue, prefetch: 1, consumerTag: "me")
            return try #require(consumer.take(1).first)
        }
        #expect(delivery.messageID == "m1")
        #expect(delivery.contentType == "text/plain")
        #expect(delivery.text == "grüße")
        #expect(
            delivery.headers == [
                "text": "grüße", "small": 5, "large": .int(1 << 40), "flag": false, "none": .null, "bytes": .bytes([0, 255]),
                "list": .array([1, "two", .array([true])]), "table": .table(["a": .table(["b": -1])]), "time": .timestamp(1_000_000_000),
                "decimal": .null,
            ])
    }
}

private enum Python {
    static let hasPika = system("python3 -c 'import pika' 2>/dev/null") == 0

    /// Runs the lines with `channel` and `queue` at hand; returns what they print.
    static func run(_ lines: String, _ queue: String) -> String {
        let script = """
            import datetime, decimal, json, os, pika
            connection = pika.BlockingConnection(pika.URLParameters(os.environ['MILLRACE_TEST_AMQP'].rstrip('/') + '/%2f'))
            channel, queue = connection.channel(), '\(queue)'
            \(lines)
            connection.close()
            """
        guard let pipe = popen("PYTHONIOENCODING=utf-8 python3 - <<'END'\n\(script)\nEND\n", "r") else { return "" }
        defer { pclose(pipe) }
        var printed: [UInt8] = []
        while case let byte = getc(pipe), byte != EOF { printed.append(UInt8(byte)) }
        return String(decoding: printed, as: UTF8.self)
    }
}
