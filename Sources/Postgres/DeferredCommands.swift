/// Commands whose answer nobody needs before the next statement's: BEGIN, SAVEPOINT, RELEASE.
///
/// They wait here and go out in front of the next statement, in one round trip with it; a savepoint in which nothing was run never goes out at all. A
/// worker that runs sixty jobs in one transaction, each in a savepoint, would otherwise spend most of its time on them. While commands wait, the
/// transaction on the server is healthy or not begun: whatever fails there has taken them with it.
struct DeferredCommands {
    /// A place in the queue: which stay of commands it belongs to, and where it begins.
    struct Mark {
        fileprivate let stay: Int
        fileprivate let index: Int
    }

    private(set) var commands: [String] = []
    private var stay = 0

    var isEmpty: Bool { commands.isEmpty }

    @discardableResult
    mutating func append(_ command: String) -> Mark {
        commands.append(command)
        return Mark(stay: stay, index: commands.count - 1)
    }

    /// Drops the command of the mark and all behind it, if they are still here; false when they have gone out.
    mutating func forget(from mark: Mark) -> Bool {
        guard mark.stay == stay else { return false }
        commands.removeSubrange(mark.index...)
        return true
    }

    /// Hands them out, for the server.
    mutating func take() -> [String] {
        defer { removeAll() }
        return commands
    }

    mutating func removeAll() {
        guard !commands.isEmpty else { return }
        commands.removeAll(keepingCapacity: true)
        stay += 1
    }
}
