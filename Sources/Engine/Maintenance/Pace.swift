/// How often a duty comes that costs more the more there is: what looks at the whole outbox.
enum Pace {
    private static let longest: Int64 = 10_000_000_000

    /// The rest behind a round: a half percent of the time goes into such a duty, or more where it would come less often than each ten seconds, and never more than
    /// a twentieth.
    ///
    /// - Parameters:
    ///   - took: how long the round was; nanoseconds, as all here.
    ///   - least: the rest that is enough for a duty that costs nothing.
    static func rest(after took: Int64, least: Int64) -> Int64 { max(least, min(200 * took, longest), 20 * took) }
}
