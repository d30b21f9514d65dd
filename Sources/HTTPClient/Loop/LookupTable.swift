internal import Synchronization

/// One question to the name service, shared by everybody who asks it at the same time.
final class Lookup: Sendable {
    let host: String
    /// Set when nobody waits any more; a lane that has not begun yet skips it.
    let isAbandoned = Atomic<Bool>(false)

    init(host: String) { self.host = host }
}

/// Who waits for which name, and what is known for a few seconds.
///
/// Five hundred events for one endpoint ask once. An answer is kept shortly, bad ones too: a dead name server would otherwise hold all lanes for the tenants
/// of one bad domain. A kept answer opens no door, because each transfer judges the addresses again and connects to nothing else.
struct LookupTable {
    private struct Waiting {
        let lookup: Lookup
        var orders: Set<UInt64>
    }

    private struct Known {
        let result: Result<[IPAddress], Resolver.Failure>
        let until: Int64
    }

    private static let capacity = 4096

    private var waiting: [String: Waiting] = [:]
    private var known: [String: Known] = [:]
    private let lifetime: Int64

    init(lifetime: Duration) { self.lifetime = lifetime.nanoseconds }

    /// An answer that is still fresh.
    func answer(for host: String, now: Int64) -> Result<[IPAddress], Resolver.Failure>? {
        guard let entry = known[host], entry.until > now else { return nil }
        return entry.result
    }

    /// Adds the order to those who wait for the name; a lookup that nobody has begun is returned to be begun.
    mutating func join(_ order: UInt64, host: String) -> Lookup? {
        if waiting[host] != nil {
            waiting[host]?.orders.insert(order)
            return nil
        }
        let lookup = Lookup(host: host)
        waiting[host] = Waiting(lookup: lookup, orders: [order])
        return lookup
    }

    /// The order does not wait any more.
    mutating func leave(_ order: UInt64, host: String) {
        guard waiting[host]?.orders.remove(order) != nil, waiting[host]?.orders.isEmpty == true else { return }
        waiting.removeValue(forKey: host)?.lookup.isAbandoned.store(true, ordering: .relaxed)
    }

    /// Takes the answer in and returns who waited for it.
    mutating func finish(_ lookup: Lookup, _ result: Result<[IPAddress], Resolver.Failure>, now: Int64) -> Set<UInt64> {
        guard let entry = waiting[lookup.host], entry.lookup === lookup else { return [] }
        waiting[lookup.host] = nil
        if lifetime > 0 {
            if known.count >= Self.capacity { known = known.filter { $0.value.until > now } }
            if known.count >= Self.capacity { known = [:] }
            known[lookup.host] = Known(result: result, until: now + lifetime)
        }
        return entry.orders
    }
}
