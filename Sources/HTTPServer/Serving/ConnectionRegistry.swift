internal import Synchronization

/// The connections that are open, by id, and how many each client address has.
final class ConnectionRegistry: Sendable {
    private struct State {
        var next: UInt64 = 16
        var open: [UInt64: Connection] = [:]
        /// Accepted, but not yet seen by their event loop, by descriptor.
        var arriving: [Int32: Connection] = [:]
        var perAddress: [String: Int] = [:]
    }

    private let perAddressLimit: Int
    private let state = Mutex(State())

    /// A limit of 0 is none.
    init(perAddressLimit: Int) { self.perAddressLimit = perAddressLimit }

    var count: Int { state.withLock { $0.open.count } }

    var all: [Connection] { state.withLock { Array($0.open.values) } }

    subscript(id: UInt64) -> Connection? { state.withLock { $0.open[id] } }

    /// Takes a connection in; nil when its address has enough of them.
    func admit(_ descriptor: Int32, _ address: String) -> Connection? {
        // Out of memory, the library drops a connection without a word, and its descriptor comes back as another's.
        if let lost = arrived(descriptor) { remove(lost) }
        return state.withLock { state in
            if perAddressLimit > 0 {
                guard state.perAddress[address, default: 0] < perAddressLimit else { return nil }
                state.perAddress[address, default: 0] += 1
            }
            let connection = Connection(id: state.next, descriptor: descriptor, address: address)
            state.next += 1
            state.open[connection.id] = connection
            state.arriving[descriptor] = connection
            return connection
        }
    }

    /// The connection with this descriptor, for the event loop that starts to serve it.
    func arrived(_ descriptor: Int32) -> Connection? { state.withLock { $0.arriving.removeValue(forKey: descriptor) } }

    func remove(_ connection: Connection) {
        state.withLock { state in
            guard state.open.removeValue(forKey: connection.id) != nil, perAddressLimit > 0 else { return }
            let left = state.perAddress[connection.address, default: 1] - 1
            state.perAddress[connection.address] = left > 0 ? left : nil
        }
    }
}
