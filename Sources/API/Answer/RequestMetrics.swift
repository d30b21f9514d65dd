internal import HTTPServer
internal import Telemetry

/// Counts requests by the description's paths, and logs those that failed on our side.
///
/// The series are made from the description at start, so no path from outside can add one.
struct RequestMetrics: Sendable {
    private let counts: Series<Counter>
    private let durations: Series<Histogram>
    private let log: Logger
    /// The operation of a method and a route's pattern.
    private let names: [String: String]

    init(_ contract: Contract, _ metrics: MetricRegistry, log: Logger) {
        var names: [String: String] = [:]
        for operation in contract.operations {
            for path in operation.paths {
                for prefix in APIService.prefixes { names["\(operation.method.text) \(prefix)\(path)"] = operation.id }
            }
        }
        self.names = names
        let operations = Label("operation", contract.operations.map(\.id))
        counts = metrics.counters(
            "millrace_http_requests_total", "Requests by operation and class of status.", by: operations,
            Label("status", ["2xx", "3xx", "4xx", "5xx", "aborted"]))
        durations = metrics.histograms(
            "millrace_http_request_duration_seconds", "From a request's first line to its answer's last byte.", by: operations)
        self.log = log
    }

    func finished(_ summary: RequestSummary) {
        let method = summary.method == .head ? "GET" : summary.method?.text ?? ""
        let operation = names["\(method) \(summary.route ?? "")"] ?? Label.other
        let status = summary.status == 0 ? "aborted" : "\(summary.status / 100)xx"
        counts[operation, status].increment()
        // A stream of events lasts as long as its client likes.
        if operation != EventStream.operation { durations[operation].observe(summary.duration) }
        if summary.status >= 500 {
            log.warning(
                "a request was answered with \(summary.status)",
                ["request": summary.id, "method": summary.method?.text, "route": summary.route, "duration": summary.duration])
        } else {
            log.debug(
                "request",
                [
                    "request": summary.id, "method": summary.method?.text, "route": summary.route, "status": summary.status,
                    "duration": summary.duration,
                ])
        }
    }
}
