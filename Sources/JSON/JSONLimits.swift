/// What a text may cost the parser; the defaults suit a request's body.
package struct JSONLimits: Hashable, Sendable {
    /// How deep arrays and objects may nest.
    ///
    /// The parser recurses, so this also bounds its stack.
    package var depth: Int
    /// How many bytes the text may have.
    package var bytes: Int

    package init(depth: Int = 64, bytes: Int = 64 << 20) {
        self.depth = depth
        self.bytes = bytes
    }
}
