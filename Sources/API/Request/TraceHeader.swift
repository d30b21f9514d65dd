internal import Telemetry

/// The trace of a request, for the jobs that it makes.
enum TraceHeader {
    /// The header as it is handed on: the same trace, our own span; nil when it is malformed.
    static func checked(_ text: String) -> String? { TraceContext(traceparent: text)?.child().traceparent }
}
