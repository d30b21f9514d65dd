internal import Clocks
internal import HTTPServer

/// How a simulated subscriber answers: as its flags say, and for one endpoint as the query of its URL says.
///
/// `http://127.0.0.1:9200/shop?status=503&fail=0.1&delay=50ms` is an endpoint that answers a tenth of its deliveries with 503, each after 50 ms.
struct SinkBehaviour: Sendable, Equatable {
    enum Failure: Sendable, Equatable {
        case status(Int)
        /// Accepts and never answers.
        case hang
        /// Breaks the connection off.
        case reset
    }

    /// What a failing delivery gets; nil: all are taken.
    var failure: Failure?
    /// The share of deliveries that fail, 0 to 1.
    var failRate = 1.0
    var delay = Duration.zero
    /// Sent with each answer that is not 2xx, in seconds.
    var retryAfter: Int?

    /// Reads what a query says, over these values; names that mean nothing here are the endpoint's own.
    ///
    /// - Throws: `CommandFailure` for a value that cannot be read.
    mutating func read(_ items: [(name: String, value: String)]) throws(CommandFailure) {
        for (name, value) in items {
            switch name {
            case "status":
                guard let status = Int(value), (200...599).contains(status) else { throw .usage("status is 200 to 599, not \"\(value)\"") }
                failure = (200..<300).contains(status) ? nil : .status(status)
            case "hang": failure = .hang
            case "reset": failure = .reset
            case "gone": failure = .status(410)
            case "fail":
                guard let rate = Double(value), (0...1).contains(rate) else { throw .usage("fail is a share from 0 to 1, not \"\(value)\"") }
                failRate = rate
                if failure == nil { failure = .status(500) }
            case "delay":
                guard let duration = DurationText.parse(value) else { throw .usage("delay is a duration such as 50ms, not \"\(value)\"") }
                delay = duration
            case "retry-after":
                guard let seconds = Int(value), seconds >= 0 else { throw .usage("retry-after is whole seconds, not \"\(value)\"") }
                retryAfter = seconds
                if failure == nil { failure = .status(429) }
            default: continue
            }
        }
    }

    /// What this delivery gets; nil: it is taken.
    func draw() -> Failure? {
        guard let failure, failRate >= 1 || Double.random(in: 0..<1) < failRate else { return nil }
        return failure
    }
}
