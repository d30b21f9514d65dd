/// What the relay knows of a queue's backlog at the broker: at most how many jobs wait there, from what the broker said last and what was sent since.
///
/// The broker's own count bounds the window, not a count of sent rows: that one would walk, at each turn, over all rows that were sent while an old
/// snapshot was open anywhere. What workers have prefetched does not count; they hold it because they have room for it.
struct BrokerWindow {
    private var waitingMessages = 0
    private var jobsPerMessage = 1.0
    private var sentSince = 0
    private var isKnown = false

    func free(of window: Int) -> Int {
        isKnown ? max(0, window - sentSince - Int(Double(waitingMessages) * jobsPerMessage)) : 0
    }

    mutating func saw(waiting: Int) {
        waitingMessages = waiting
        sentSince = 0
        isKnown = true
    }

    mutating func sent(jobs: Int, messages: Int) {
        sentSince += jobs
        if messages > 0 { jobsPerMessage = Double(jobs) / Double(messages) }
    }
}
