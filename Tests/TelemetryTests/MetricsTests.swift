import Telemetry
import Testing

@Suite struct MetricsTests {
    @Test func `the text is what Prometheus reads`() {
        let registry = MetricRegistry()
        registry.counter("millrace_jobs_total", "Jobs\nby \\ outcome.", labels: ["outcome": "do\"ne\\\n", "kind": "a.b"]).increment(by: 3)
        registry.gauge("millrace_lag_seconds", "Lag.").set(1.5)
        registry.gauge("millrace_lanes", "Lanes.") { 8 }
        let histogram = registry.histogram("millrace_wait_seconds", "Wait.", bounds: [0.5, 1], labels: ["queue": "q"])
        for value in [0.1, 0.5, 0.7, 5] { histogram.observe(value) }
        #expect(
            registry.prometheusText() == #"""
                # HELP millrace_jobs_total Jobs\nby \\ outcome.
                # TYPE millrace_jobs_total counter
                millrace_jobs_total{outcome="do\"ne\\\n",kind="a.b"} 3
                # HELP millrace_lag_seconds Lag.
                # TYPE millrace_lag_seconds gauge
                millrace_lag_seconds 1.5
                # HELP millrace_lanes Lanes.
                # TYPE millrace_lanes gauge
                millrace_lanes 8
                # HELP millrace_wait_seconds Wait.
                # TYPE millrace_wait_seconds histogram
                millrace_wait_seconds_bucket{queue="q",le="0.5"} 2
                millrace_wait_seconds_bucket{queue="q",le="1"} 3
                millrace_wait_seconds_bucket{queue="q",le="+Inf"} 4
                millrace_wait_seconds_sum{queue="q"} 6.3
                millrace_wait_seconds_count{queue="q"} 4

                """#)
    }

    @Test func `the same name gives the same metric`() {
        let registry = MetricRegistry()
        #expect(registry.counter("a_total", "A.") === registry.counter("a_total", "A."))
        #expect(registry.counter("a_total", "A.", labels: ["k": "1"]) !== registry.counter("a_total", "A."))
        #expect(registry.gauge("g", "G.") === registry.gauge("g", "G."))
        #expect(registry.histogram("h", "H.") === registry.histogram("h", "H."))
        registry.gauge("c", "C.") { 1 }
        registry.gauge("c", "C.") { 2 }
        #expect(registry.prometheusText().contains("\nc 2\n"))
        #expect(!registry.prometheusText().contains("\nc 1\n"))
    }

    @Test func `the same name with another type stops the program`() async {
        await #expect(processExitsWith: .failure) {
            let registry = MetricRegistry()
            _ = registry.counter("a_total", "A.")
            _ = registry.gauge("a_total", "A.")
        }
        await #expect(processExitsWith: .failure) { _ = MetricRegistry().counter("no name", "A.") }
        await #expect(processExitsWith: .failure) { _ = MetricRegistry().counter("a_total", "A.", labels: ["le": "1"]) }
    }

    @Test func `label values are a closed list, and the rest is counted together`() {
        let registry = MetricRegistry()
        let jobs = registry.counters("jobs_total", "Jobs.", by: Label("kind", ["a", "b"]), Label("outcome", ["done", "dead"]))
        jobs["b", "dead"].increment()
        jobs["b", "dead"].increment()
        jobs["no such kind", "done"].increment()
        jobs["neither", "this"].increment()
        let text = registry.prometheusText()
        #expect(text.contains("jobs_total{kind=\"b\",outcome=\"dead\"} 2\n"))
        #expect(text.contains("jobs_total{kind=\"other\",outcome=\"done\"} 1\n"))
        #expect(text.contains("jobs_total{kind=\"other\",outcome=\"other\"} 1\n"))
        #expect(text.contains("jobs_total{kind=\"a\",outcome=\"done\"} 0\n"))
        #expect(text.split(separator: "\n").count == 2 + 9)
        let queues = registry.histograms("wait_seconds", "Wait.", bounds: [1], by: Label("queue", ["q"]))
        queues["q"].observe(.milliseconds(1500))
        #expect(queues["q"].sum == 1.5)
        #expect(queues["q"].cumulative == [0, 1])
    }

    @Test func `a histogram puts every value under the first bound that is not below it`() {
        let histogram = Histogram(bounds: Histogram.seconds)
        for (index, bound) in histogram.bounds.enumerated() {
            histogram.observe(bound)
            #expect(histogram.cumulative[index] == index + 1)
        }
        histogram.observe(.infinity)
        histogram.observe(.nan)
        #expect(histogram.cumulative.last == histogram.bounds.count + 1)
        #expect(histogram.count == histogram.bounds.count + 1)
    }

    @Test func `nothing is lost when many count at once`() async {
        let registry = MetricRegistry()
        let counter = registry.counter("c_total", "C.")
        let gauge = registry.gauge("g", "G.")
        let histogram = registry.histogram("h", "H.", bounds: [1])
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<5_000 {
                        counter.increment()
                        gauge.add(1)
                        histogram.observe(0.5)
                    }
                }
            }
        }
        #expect(counter.value == 40_000)
        #expect(gauge.value == 40_000)
        #expect(histogram.count == 40_000)
        #expect(histogram.sum == 20_000)
    }

    @Test func `the process tells of itself`() throws {
        let registry = MetricRegistry()
        registry.registerProcessMetrics()
        var figures: [String: Double] = [:]
        for line in registry.prometheusText().split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: " ")
            figures[String(parts[0])] = Double(parts[1])
        }
        #expect(try #require(figures["process_resident_memory_bytes"]) > 1_000_000)
        #expect(try #require(figures["process_cpu_seconds_total"]) > 0)
        #expect(try #require(figures["process_open_fds"]) >= 3)
        #expect(try #require(figures["process_start_time_seconds"]) > 1_700_000_000)
    }
}
