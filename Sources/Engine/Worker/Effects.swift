package import Postgres

/// Database effects that commit with the end of a leased run, after its lease was checked: they happen if and only if the end does.
///
/// Effects of one group are written together for all runs that end in one transaction: by one statement, where each alone would cost a savepoint and a
/// round trip of its own.
package struct Effects: Sendable {
    enum Form: Sendable {
        case alone(@Sendable (Connection) throws -> Void)
        case grouped(name: String, item: any Sendable, write: @Sendable ([any Sendable], Connection) throws -> Void)
    }

    let form: Form

    /// Effects of this run alone.
    package init(_ write: @escaping @Sendable (Connection) throws -> Void) { form = .alone(write) }

    fileprivate init(_ form: Form) { self.form = form }

    /// Writes them for this run alone.
    func callAsFunction(_ connection: Connection) throws {
        switch form {
        case .alone(let write): try write(connection)
        case .grouped(_, let item, let write): try write([item], connection)
        }
    }
}

/// A sort of effects that is written set-based.
package struct EffectGroup<Item: Sendable>: Sendable {
    /// Unlike any other group's.
    private let name: String
    private let write: @Sendable ([Item], Connection) throws -> Void

    /// - Parameter write: writes any number of items in the caller's transaction; locks what it locks in one order in every call.
    package init(_ name: String, write: @escaping @Sendable ([Item], Connection) throws -> Void) {
        self.name = name
        self.write = write
    }

    /// The effects of one run.
    package func effects(_ item: Item) -> Effects {
        Effects(.grouped(name: name, item: item) { [write] items, connection in try write(items.compactMap { $0 as? Item }, connection) })
    }
}
