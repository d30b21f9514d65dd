internal import Bytes
package import JSON

extension JobDefinition {
    /// How many jobs of the kind may run at once, or begin in a time, among those with the same value in one field of the payload.
    package struct Limits: Sendable, Hashable {
        /// The name of the payload's field; jobs without it share one limit.
        package var by: String
        /// Runs at the same time over all workers; nil: any number.
        package var concurrency: Int?
        /// Nil: as fast as they come.
        package var rate: Rate?
    }

    /// A token bucket: over any span of time no more starts than `burst` plus `count` for each `per`.
    package struct Rate: Sendable, Hashable {
        package var count: Int
        package var per: Duration
        /// Starts that a key may have at once after it was idle.
        package var burst: Int

        package init(count: Int, per: Duration, burst: Int) {
            (self.count, self.per, self.burst) = (count, per, burst)
        }

        /// Microseconds until the next token, rounded up: the rate is never above what was asked for.
        var step: Int64 {
            let count = Int64(max(count, 1))
            return max(1, (per.nanoseconds / 1000 + count - 1) / count)
        }
    }

    /// The key whose limit a job of this kind is under, nil for kinds without one.
    ///
    /// The value is kept as it is when short, so that an operator can read the key, and by its hash when long.
    package func limitKey(of payload: JSONValue) -> String? {
        limits.map { Self.limitKey(kind: kind, value: payload[$0.by] ?? .null) }
    }

    /// The key of one value of the limiting field.
    package static func limitKey(kind: String, value: JSONValue) -> String {
        let key = kind + "|" + String(decoding: value.canonical(), as: UTF8.self)
        return key.utf8.count <= 200 ? key : String(key.prefix(100)) + "#" + String(FNV1a.hash(key), radix: 16)
    }
}

extension Catalog {
    /// The limits and the style of a key's kind; nil when the kind is gone or has none any more.
    func limits(ofKey key: String) -> (limits: JobDefinition.Limits, definition: JobDefinition)? {
        guard let definition = jobs[String(key.prefix { $0 != "|" })], let limits = definition.limits else { return nil }
        return (limits, definition)
    }
}
