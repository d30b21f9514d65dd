/// The decoded items of a query, in the client's order; a name may occur more than once.
package struct Query: Sendable, Hashable {
    package struct Item: Sendable, Hashable {
        package let name: String
        package let value: String
    }

    package let items: [Item]

    package init(_ items: [Item] = []) { self.items = items }

    /// The first value of this name; an item without `=` has the empty value.
    package subscript(name: String) -> String? { items.first { $0.name == name }?.value }

    /// Every value of this name, in order.
    package func all(_ name: String) -> [String] { items.filter { $0.name == name }.map(\.value) }

    /// Reads what stands behind the question mark; nil when an escape is malformed.
    init?(_ bytes: ArraySlice<UInt8>) {
        var items: [Item] = []
        for pair in bytes.split(separator: UInt8(ascii: "&")) {
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            guard
                let name = PercentEncoding.decode(pair[..<equals], plusIsSpace: true),
                let value = PercentEncoding.decode(pair[equals...].dropFirst(), plusIsSpace: true)
            else { return nil }
            items.append(Item(name: name, value: value))
        }
        self.items = items
    }
}
