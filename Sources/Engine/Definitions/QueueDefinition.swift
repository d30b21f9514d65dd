/// What a queue declares in `queues/<queue>.json`.
package struct QueueDefinition: Sendable {
    package var queue: String
    package var summary: String
    /// Messages that the broker delivers to one worker before it has their acks.
    package var prefetch: Int
    /// Jobs of one transaction (atomic kinds) or of one claim (leased kinds); at most 60, PostgreSQL keeps 64 savepoints in shared memory.
    package var batch: Int
    package var minimumConcurrency: Int
    package var maximumConcurrency: Int
    /// Deliveries of one message before the broker dead-letters it.
    package var deliveryLimit: Int
    package var maximumLength: Int?
}
