internal import Synchronization

// Metrics are registered once, when a part starts, and counted by reference afterwards: the hot path is one relaxed atomic, no lookup and no lock.
// Registering the same name and labels again gives the same metric, so two parts may share one without knowing of each other. A name that comes
// back with another type is a mistake of the program.

/// The metrics of this process, and their text for Prometheus.
package final class MetricRegistry: Sendable {
    enum Kind: String, Sendable { case counter, gauge, histogram }

    enum Instrument: Sendable {
        case counter(Counter)
        case gauge(Gauge)
        case histogram(Histogram)
        case sampled(@Sendable () -> Double)
    }

    struct Family: Sendable {
        let name: String
        let help: String
        let kind: Kind
        /// By the labels as they stand in the text; the order is that of registration.
        var series: [(labels: String, instrument: Instrument)] = []
    }

    private let families = Mutex<[String: Family]>([:])

    package init() {}

    /// A counter; by convention the name ends in `_total`.
    package func counter(_ name: String, _ help: String, labels: KeyValuePairs<String, String> = [:]) -> Counter {
        counter(name, help, Array(labels.map { ($0.key, $0.value) }))
    }

    /// A counter for every combination of these labels.
    package func counters(_ name: String, _ help: String, by labels: Label...) -> Series<Counter> {
        Series(labels: labels) { counter(name, help, $0) }
    }

    /// A gauge that is set.
    package func gauge(_ name: String, _ help: String, labels: KeyValuePairs<String, String> = [:]) -> Gauge {
        gauge(name, help, Array(labels.map { ($0.key, $0.value) }))
    }

    /// A gauge for every combination of these labels.
    package func gauges(_ name: String, _ help: String, by labels: Label...) -> Series<Gauge> {
        Series(labels: labels) { gauge(name, help, $0) }
    }

    /// A gauge that is asked at each scrape; the closure must not block.
    ///
    /// A second registration replaces the closure.
    package func gauge(_ name: String, _ help: String, labels: KeyValuePairs<String, String> = [:], read: @escaping @Sendable () -> Double) {
        replace(name, help, .gauge, labels, read)
    }

    /// A counter that is asked at each scrape, for what another party counts.
    package func counter(_ name: String, _ help: String, labels: KeyValuePairs<String, String> = [:], read: @escaping @Sendable () -> Double) {
        replace(name, help, .counter, labels, read)
    }

    /// A histogram; for durations the name ends in `_seconds`.
    package func histogram(
        _ name: String, _ help: String, bounds: [Double] = Histogram.seconds, labels: KeyValuePairs<String, String> = [:]
    ) -> Histogram {
        histogram(name, help, bounds, Array(labels.map { ($0.key, $0.value) }))
    }

    /// A histogram for every combination of these labels.
    package func histograms(_ name: String, _ help: String, bounds: [Double] = Histogram.seconds, by labels: Label...) -> Series<Histogram> {
        Series(labels: labels) { histogram(name, help, bounds, $0) }
    }

    /// The families by name, for the exposition.
    func snapshot() -> [Family] {
        families.withLock { $0.values.sorted { $0.name < $1.name } }
    }

    private func counter(_ name: String, _ help: String, _ labels: [(String, String)]) -> Counter {
        guard case .counter(let counter) = register(name, help, .counter, labels, make: { .counter(Counter()) }) else {
            preconditionFailure("the metric \(name) is a counter of another kind already")
        }
        return counter
    }

    private func gauge(_ name: String, _ help: String, _ labels: [(String, String)]) -> Gauge {
        guard case .gauge(let gauge) = register(name, help, .gauge, labels, make: { .gauge(Gauge()) }) else {
            preconditionFailure("the metric \(name) is a gauge of another kind already")
        }
        return gauge
    }

    private func histogram(_ name: String, _ help: String, _ bounds: [Double], _ labels: [(String, String)]) -> Histogram {
        guard case .histogram(let histogram) = register(name, help, .histogram, labels, make: { .histogram(Histogram(bounds: bounds)) }),
            histogram.bounds == bounds
        else { preconditionFailure("the histogram \(name) has other bounds already") }
        return histogram
    }

    private func replace(
        _ name: String, _ help: String, _ kind: Kind, _ labels: KeyValuePairs<String, String>, _ read: @escaping @Sendable () -> Double
    ) {
        let text = PrometheusText.labels(labels.map { ($0.key, $0.value) })
        families.withLock { families in
            var family = Self.family(&families, name, help, kind)
            family.series.removeAll { $0.labels == text }
            family.series.append((text, .sampled(read)))
            families[name] = family
        }
    }

    private func register(
        _ name: String, _ help: String, _ kind: Kind, _ labels: [(String, String)], make: () -> Instrument
    ) -> Instrument {
        let text = PrometheusText.labels(labels)
        return families.withLock { families in
            var family = Self.family(&families, name, help, kind)
            if let known = family.series.first(where: { $0.labels == text }) { return known.instrument }
            let instrument = make()
            family.series.append((text, instrument))
            families[name] = family
            return instrument
        }
    }

    private static func family(_ families: inout [String: Family], _ name: String, _ help: String, _ kind: Kind) -> Family {
        if let family = families[name] {
            precondition(family.kind == kind, "the metric \(name) is a \(family.kind.rawValue) already")
            return family
        }
        precondition(PrometheusText.isName(name), "\(name) is a name that Prometheus accepts")
        return Family(name: name, help: help, kind: kind)
    }
}
