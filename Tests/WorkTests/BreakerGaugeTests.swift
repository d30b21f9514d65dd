import Business
import Telemetry
import TestSupport
import Testing
import Work

@Suite(.whole, .database(.millrace), .timeLimit(.minutes(2)))
struct BreakerGaugeTests {
    @Test func `open breakers are on the metrics of the scheduler that leads, and on those alone`() async throws {
        let failing = Sink { _, _ in .status(500) }
        try await WorkRig.run { options in
            options.rules.breaker.failuresToOpen = 1
            options.rules.breaker.firstPause = .seconds(3600)
            options.rules.breaker.longestPause = .seconds(3600)
        } _: { rig in
            let standby = MetricRegistry()
            let measuring = [rig.engine.metrics, standby].map {
                BreakerGauges(rig.engine.database, log: TestLog.logger, metrics: $0, interval: .milliseconds(20))
            }
            for gauges in measuring { gauges.start() }
            let text = { rig.engine.metrics.prometheusText() }
            try await eventually("none is open") { text().contains("millrace_webhook_breakers{phase=\"open\"} 0\n") }
            let (endpoint, _) = try await rig.endpoint(failing.url)
            try await rig.emit()
            try await eventually("the breaker opens") { try await rig.read(endpoint).phase == .open }
            try await eventually("it is counted") { text().contains("millrace_webhook_breakers{phase=\"open\"} 1\n") }
            #expect(standby.prometheusText().contains("millrace_webhook_breakers{phase=\"open\"} 0\n"))
            for gauges in measuring { await gauges.stop() }
            #expect(text().contains("millrace_webhook_breakers{phase=\"open\"} 0\n"))
        }
    }
}
