/// Where a job is in its life.
///
/// The first two are alive, the others ended.
package enum JobState: String, Sendable, CaseIterable {
    case queued, running, completed, cancelled, dead

    package var isFinished: Bool {
        switch self {
        case .queued, .running: false
        case .completed, .cancelled, .dead: true
        }
    }
}
