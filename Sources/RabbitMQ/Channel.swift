/// One opening of a channel.
///
/// Numbers are used again, generations never, so a late acknowledgement cannot hit another channel's delivery.
struct Channel: Hashable, Sendable {
    let number: UInt16
    let generation: UInt64
}
