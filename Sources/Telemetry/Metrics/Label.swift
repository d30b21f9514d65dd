/// One label of a metric with all the values that it can take.
///
/// The list is closed, so the number of series is known when the process starts; a value from outside (a path, a user name) cannot blow it up.
package struct Label: Sendable, Hashable {
    package let name: String
    package let values: [String]

    /// Where a value that is not in the list is counted.
    package static let other = "other"

    package init(_ name: String, _ values: [String]) {
        self.name = name
        self.values = values.contains(Self.other) ? values : values + [Self.other]
    }
}

/// The series of one metric, one per combination of label values, all made in advance.
package struct Series<Metric: Sendable>: Sendable {
    let labels: [Label]
    let metrics: [Metric]
    private let positions: [[String: Int]]

    init(labels: [Label], make: ([(String, String)]) -> Metric) {
        self.labels = labels
        positions = labels.map { label in
            Dictionary(zip(label.values, label.values.indices), uniquingKeysWith: { first, _ in first })
        }
        metrics = Self.combinations(labels).map(make)
    }

    /// The series of this value of the only label.
    package subscript(value: String) -> Metric {
        precondition(labels.count == 1, "the metric has one label")
        return metrics[position(0, value)]
    }

    /// The series of these values of the two labels, in their order.
    package subscript(first: String, second: String) -> Metric {
        precondition(labels.count == 2, "the metric has two labels")
        return metrics[position(0, first) * labels[1].values.count + position(1, second)]
    }

    private func position(_ label: Int, _ value: String) -> Int {
        positions[label][value] ?? positions[label][Label.other] ?? 0
    }

    /// All combinations, the last label fastest.
    private static func combinations(_ labels: [Label]) -> [[(String, String)]] {
        labels.reduce([[]]) { partial, label in
            partial.flatMap { pairs in label.values.map { pairs + [(label.name, $0)] } }
        }
    }
}
