package import Bytes

/// One page of a list, newest first, with the cursor of the next page.
package struct Page<Element: Sendable>: Sendable {
    package var items: [Element]
    /// The last item's id when there are more; the next page begins after it.
    package var next: Identifier?

    /// From `limit + 1` rows at most: the one too many says that there is a next page.
    package init(_ rows: [Element], limit: Int, id: (Element) -> Identifier) {
        items = Array(rows.prefix(limit))
        next = rows.count > limit ? items.last.map(id) : nil
    }
}
