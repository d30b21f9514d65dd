internal import Clocks
internal import JSON

/// Writes structured lines; a value that is passed around and made more specific with `with`.
///
/// A line below the level costs one comparison: message and fields are not evaluated.
package struct Logger: Sendable {
    package let name: String
    package var level: LogLevel
    private var context = JSONObject()
    private let sink: LogSink

    package init(_ name: String, level: LogLevel = .info, sink: @escaping LogSink = LogFormat.json.standardError) {
        self.name = name
        self.level = level
        self.sink = sink
    }

    /// A logger that writes nothing.
    package static let silent = Logger("silent", level: .error, sink: { _ in })

    /// The same logger under another name.
    package func named(_ name: String) -> Logger {
        var copy = Logger(name, level: level, sink: sink)
        copy.context = context
        return copy
    }

    /// The same logger with these fields on every line.
    package func with(_ fields: KeyValuePairs<String, any LogValue>) -> Logger {
        var copy = self
        for (key, value) in fields { copy.context[key] = value.logValue }
        return copy
    }

    package func isEnabled(_ level: LogLevel) -> Bool { level >= self.level }

    package func trace(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> KeyValuePairs<String, any LogValue> = [:]) {
        log(.trace, message(), fields())
    }

    package func debug(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> KeyValuePairs<String, any LogValue> = [:]) {
        log(.debug, message(), fields())
    }

    package func info(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> KeyValuePairs<String, any LogValue> = [:]) {
        log(.info, message(), fields())
    }

    package func warning(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> KeyValuePairs<String, any LogValue> = [:]) {
        log(.warning, message(), fields())
    }

    package func error(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> KeyValuePairs<String, any LogValue> = [:]) {
        log(.error, message(), fields())
    }

    package func log(
        _ level: LogLevel, _ message: @autoclosure () -> String, _ fields: @autoclosure () -> KeyValuePairs<String, any LogValue> = [:]
    ) {
        guard level >= self.level else { return }
        var record = LogRecord(time: .now, level: level, logger: name, message: message(), fields: context)
        for (key, value) in fields() { record.fields[key] = value.logValue }
        sink(record)
    }
}
