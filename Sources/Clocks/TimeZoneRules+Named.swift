internal import Glibc
internal import Synchronization

extension TimeZoneRules {
    /// Where Linux keeps the tz database.
    package static let systemDirectory = "/usr/share/zoneinfo"

    /// The zone of this name; `UTC` and `Etc/UTC` are built in.
    ///
    /// Reads a file of a few kilobytes the first time and keeps it for the life of the process: a new `tzdata` is seen after a restart.
    ///
    /// - Throws: `invalid` for a name that no zone can have, `unknownTimeZone`, `missingTimeZoneData`, `damagedTimeZoneData`.
    package static func named(_ name: String) throws(ClocksError) -> TimeZoneRules {
        if let known = cache.withLock({ $0[name] }) { return known }
        let zone = try named(name, directory: systemDirectory)
        cache.withLock { $0[name] = zone }
        return zone
    }

    static func named(_ name: String, directory: String) throws(ClocksError) -> TimeZoneRules {
        if name == "UTC" || name == "Etc/UTC" { return TimeZoneRules(name: name, file: nil) }
        guard isPlausible(name) else { throw ClocksError(.invalid, "a time zone is named like Europe/Berlin") }
        guard let bytes = contents(of: directory + "/" + name) else {
            guard access(directory, R_OK | X_OK) == 0 else {
                throw ClocksError(.missingTimeZoneData, "no time zone data in \(directory): install tzdata, or use UTC")
            }
            throw ClocksError(.unknownTimeZone, "no time zone is named \(name)")
        }
        guard bytes.starts(with: Array("TZif".utf8)) else { throw ClocksError(.unknownTimeZone, "no time zone is named \(name)") }
        guard let file = TimeZoneFile(bytes) else { throw ClocksError(.damagedTimeZoneData, "the data of time zone \(name) cannot be read") }
        return TimeZoneRules(name: name, file: file)
    }

    /// Only names that exist get in, so it cannot grow beyond the tz database's 600.
    private static let cache = Mutex<[String: TimeZoneRules]>([:])

    /// Words of letters, digits, `_`, `+` and `-` with single slashes between them: no dot, so no way out of the directory.
    private static func isPlausible(_ name: String) -> Bool {
        guard (1...64).contains(name.utf8.count) else { return false }
        return name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { word in
            word.utf8.first.map(isLetter) == true
                && word.utf8.allSatisfy { isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || "_+-".utf8.contains($0) }
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte & 0xDF) }

    /// Nil when there is no such regular file, or it is larger than any zone's (a few kilobytes).
    private static func contents(of path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 8192)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count == 0 { return bytes }
            if count < 0 {
                if errno == EINTR { continue }
                return nil
            }
            bytes += buffer[..<count]
            if bytes.count > 1 << 20 { return nil }
        }
    }
}
