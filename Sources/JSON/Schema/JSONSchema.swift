// A subset of JSON Schema, draft 2020-12, enough for job parameters, queue files and the API's bodies, and small enough to be trusted on every
// request. A schema is loaded once: keywords become typed rules, references become indexes into one table of rules (so recursive schemas are
// fine), and everything that this code does not understand is an error at load. A keyword that is silently ignored is a check that somebody
// believes in and nobody makes.
//
// Not supported, on purpose: `not`, `if`, `patternProperties`, `prefixItems`, `dependent…`, `unevaluated…`, anchors, remote references.
// Differs from the standard: `format` is checked, not only noted; `pattern` is the linear-time subset of `Pattern`; `nullable` of OpenAPI 3.0
// is understood.

/// A loaded schema: checks values and says what is wrong with them.
package struct JSONSchema: Sendable {
    /// This schema and every schema that it has or refers to; one names another by its index.
    let nodes: [SchemaNode]
    let entry: Int

    /// Loads a schema.
    ///
    /// References `#/$defs/Name` and `#/components/schemas/Name` are resolved in `root`, which is the schema itself if none is given. Throws a
    /// JSONError of kind `schema` whose path points into the schema.
    package init(_ schema: JSONValue, root: JSONValue? = nil) throws(JSONError) {
        var loader = SchemaLoader(root: root ?? schema)
        entry = try loader.load(schema, at: "")
        nodes = try loader.finished().map(SchemaNode.init)
    }

    /// Everything that is wrong with this value, at most `limit` violations, in the order of the document; empty when it is valid.
    package func validate(_ value: JSONValue, limit: Int = 50) -> [Violation] {
        var violations: [Violation] = []
        check(value, entry, into: &violations, limit: limit)
        if violations.count > limit { violations.removeLast(violations.count - limit) }
        return violations
    }

    /// True when nothing is wrong with this value; stops at the first violation.
    package func accepts(_ value: JSONValue) -> Bool {
        validate(value, limit: 1).isEmpty
    }
}
