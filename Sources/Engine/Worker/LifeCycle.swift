internal import Bytes
internal import Clocks
internal import JSON

/// The life cycle's rules: what an end of a run becomes in the ledger.
///
/// Pure; shells execute it.
///
/// Completion beats cancel; cancel beats retry, snooze and interruption. Snooze and interruption spend no attempt.
struct LifeCycle<Random: RandomNumberGenerator> {
    var random: Random

    /// How a run ended.
    enum End: Sendable {
        case done(JSONValue?)
        case snooze(Duration)
        case failed(JobError)
        /// Cancelled before it began; there was no run.
        case withdrawn
    }

    enum Transition: Sendable {
        case finish(Finish)
        case requeue(Requeue)
    }

    mutating func transition(
        of job: ClaimedJob, definition: JobDefinition?, end: End, cancelled: Bool, worker: Identifier, now: Instant
    ) -> Transition {
        let run = Run(job: job, retentionDays: definition?.retentionDays ?? 30, worker: job.lease?.worker ?? worker, now: now)
        switch end {
        case .done(let result): return run.finish(.completed, result: result)
        case .withdrawn: return run.withdraw()
        case .snooze(let duration):
            if cancelled { return run.cancel(nil) }
            return run.requeue(after: duration, attempt: job.attempt - 1, entry: nil)
        case .failed(let error):
            let error = error.fitForTheLedger
            switch error.disposition {
            case .permanent, .invalid:
                return run.die(of: error)
            case .interrupted:
                if cancelled { return run.cancel(error) }
                return run.interrupt(error)
            case .transient, .throttled:
                if cancelled { return run.cancel(error) }
                if job.isLastAttempt { return run.die(of: error) }
                var delay = definition?.backoff.delay(afterAttempt: job.attempt, using: &random) ?? .seconds(60)
                if case .throttled(let after) = error.disposition { delay = max(delay, after) }
                return run.requeue(after: delay, attempt: job.attempt, entry: run.entry("failed", error))
            }
        }
    }

    /// The run that ended, and the ways out of it.
    private struct Run {
        let job: ClaimedJob
        let retentionDays: Int
        let worker: Identifier
        let now: Instant

        func finish(_ state: JobState, code: String? = nil, message: String? = nil, result: JSONValue? = nil, entry: JSONValue? = nil) -> Transition {
            .finish(
                Finish(
                    id: job.id, state: state, errorCode: code, error: message, result: result, retentionDays: retentionDays, entry: entry,
                    workerID: worker, startedAt: job.startedAt, attempt: job.attempt, permit: job.permit))
        }

        func withdraw() -> Transition {
            .finish(
                Finish(
                    id: job.id, state: .cancelled, errorCode: "cancelled", error: "cancelled before it started", retentionDays: retentionDays,
                    attempt: job.attempt - 1, permit: job.permit))
        }

        func cancel(_ error: JobError?) -> Transition {
            finish(.cancelled, code: "cancelled", message: "cancelled while it ran", entry: error.map { entry("cancelled", $0) })
        }

        func die(of error: JobError) -> Transition {
            finish(.dead, code: error.code, message: error.message, entry: entry("dead", error))
        }

        /// A run that was broken off proves nothing: a suspect stays one, and the death that was counted in advance did not happen.
        func interrupt(_ error: JobError) -> Transition {
            requeue(
                after: .zero, attempt: job.attempt - 1, suspect: job.suspect, deaths: max(0, job.deaths - 1), entry: entry("interrupted", error))
        }

        /// A run that came to its own end has killed nobody: the suspicion is over.
        func requeue(after delay: Duration, attempt: Int, suspect: Bool = false, deaths: Int = 0, entry: JSONValue?) -> Transition {
            .requeue(
                Requeue(
                    id: job.id, runAt: now + min(max(delay, .zero), Self.longestDelay), attempt: attempt, suspect: suspect, deaths: deaths,
                    entry: entry, queue: job.next, permit: job.permit))
        }

        func entry(_ outcome: String, _ error: JobError) -> JSONValue {
            .object([
                "attempt": .int(Int64(job.attempt)), "worker": .string(worker.description), "startedAt": .string(job.startedAt.text),
                "endedAt": .string(now.text), "outcome": .string(outcome), "code": .string(error.code), "error": .string(error.message),
            ])
        }

        /// Ten years: what PostgreSQL's clock can say, and longer than anybody means.
        private static var longestDelay: Duration { .seconds(10 * 366 * 86_400) }
    }
}

extension JobError {
    /// The error with its texts as the ledger can keep them: PostgreSQL knows no NUL, and a page of HTML is no message.
    fileprivate var fitForTheLedger: JobError {
        func fit(_ text: String, _ limit: Int) -> String { String(text.unicodeScalars.filter { $0 != "\0" }.prefix(limit).map(Character.init)) }
        return JobError(disposition, code: fit(code, 100), fit(message, 2000))
    }
}
