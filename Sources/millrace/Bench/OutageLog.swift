internal import Bytes
internal import Clocks
internal import Lanes
internal import Telemetry

/// What is to be seen of a steady load, read fifty times a second from what the handlers and the parts count; the ledger is not asked.
struct OutageLog {
    struct Reading {
        /// Monotonic nanoseconds.
        var at: Int64
        /// Jobs of the steady load.
        var committed: Int
        /// Jobs of load and burst, each once.
        var entered: Int
        /// How long the job has waited that was due first of those that have not entered.
        var wait: Int64
        /// The relay publishes and the worker consumes, as far as they know.
        var isConnected: Bool
    }

    private static let interval = Duration.milliseconds(20)

    private let tally: Tally
    private let metrics: MetricRegistry
    private let load: Producers
    private let began: Int64
    private let rate: Double
    private let batch: Int
    /// Of the load, of which all before `first` have entered.
    private let numbers: Int
    private var first = 0
    private var burst: (left: Range<Int>, at: Int64) = (0..<0, 0)
    private var readings: [Reading] = []

    /// - Parameter began: when the load's schedule did.
    init(tally: Tally, metrics: MetricRegistry, load: Producers, began: Int64, rate: Double, batch: Int, numbers: Int) {
        (self.tally, self.metrics, self.load) = (tally, metrics, load)
        (self.began, self.rate, self.batch, self.numbers) = (began, rate, batch, numbers)
        take()
    }

    var last: Reading { readings[readings.count - 1] }

    /// From now on jobs with these numbers wait too.
    mutating func expect(_ numbers: Range<Int>) { burst = (numbers, monotonicNanoseconds()) }

    /// Reads until the condition holds.
    ///
    /// - Throws: when it does not within the limit.
    mutating func read(until isOver: (OutageLog) -> Bool, within limit: Duration, _ complaint: String) throws {
        let deadline = ContinuousClock.now + limit
        while !isOver(self) {
            guard ContinuousClock.now < deadline else {
                throw CommandFailure(
                    .failure,
                    "\(complaint) after \(limit.components.seconds) s: a job has waited \(last.wait / 1_000_000) ms, "
                        + (last.isConnected ? "the broker is used" : "the broker is not used"))
            }
            pause(Self.interval)
            take()
        }
    }

    @discardableResult
    mutating func take() -> Reading {
        let now = monotonicNanoseconds()
        first = tally.firstMissing(first..<numbers) ?? numbers
        var wait = max(0, now - due(first))
        if let missing = tally.firstMissing(burst.left) {
            burst.left = missing..<burst.left.upperBound
            wait = max(wait, now - burst.at)
        } else {
            burst.left = 0..<0
        }
        let reading = Reading(at: now, committed: load.committed, entered: tally.different, wait: wait, isConnected: isConnected)
        readings.append(reading)
        return reading
    }

    private func due(_ number: Int) -> Int64 { began + Int64(Double(number / batch * batch) / rate * 1e9) }

    /// As they say themselves.
    private var isConnected: Bool {
        let lines = metrics.prometheusText().split(separator: "\n").filter {
            $0.hasPrefix("millrace_relay_connected") || $0.hasPrefix("millrace_worker_broker_connected")
        }
        return lines.count >= 2 && lines.allSatisfy { $0.hasSuffix(" 1") }
    }

    // MARK: - What it says

    /// So long on end, up to the last reading, no job was late and the broker was used.
    func isCalm(for duration: Duration, late: Duration) -> Bool {
        let since = last.at - duration.microseconds * 1000
        guard readings[0].at <= since else { return false }
        return readings.reversed().prefix { $0.at >= since }.allSatisfy { $0.isConnected && $0.wait <= late.microseconds * 1000 }
    }

    /// Jobs a second that entered their handlers.
    func rate(from: Int64, to: Int64) -> Double {
        let span = readings.filter { $0.at >= from && $0.at <= to }
        guard let one = span.first, let other = span.last, other.at > one.at else { return 0 }
        return Double(other.entered - one.entered) / (Double(other.at - one.at) / 1e9)
    }

    /// From then to the last reading at which it did not hold, in seconds; nought when it always did.
    func seconds(from: Int64, until holds: (Reading) -> Bool) -> Double {
        let failing = readings.last { $0.at >= from && !holds($0) }
        return failing.map { Double($0.at - from) / 1e9 } ?? 0
    }

    /// In seconds.
    func longestWait(from: Int64) -> Double { Double(readings.filter { $0.at >= from }.map(\.wait).max() ?? 0) / 1e9 }

    /// The longest time in which no job entered its handler, in seconds.
    func longestSilence(from: Int64) -> Double {
        var (longest, entered, since): (Int64, Int, Int64) = (0, -1, from)
        for reading in readings where reading.at >= from {
            longest = max(longest, reading.at - since)
            if reading.entered > entered { (entered, since) = (reading.entered, reading.at) }
        }
        return Double(longest) / 1e9
    }
}
