internal import Glibc
internal import Settings

/// What Linux says about processes under `/proc`; the benchmarks find the servers there and what they cost.
///
/// Everything is optional: another user's process, or one in another container, shows less or nothing, and then the report says `n/a`.
enum ProcessTable {
    struct Usage {
        var parent: Int
        /// Seconds of this process's own threads.
        var own: Double
        /// Seconds of its children that have ended and were waited for.
        var ended: Double
    }

    static func all() -> [Int] { names("/proc").compactMap { Int($0) } }

    static func usage(_ process: Int) -> Usage? { usage(in: "/proc/\(process)") }

    /// Of a process's or a thread's folder.
    private static func usage(in folder: String) -> Usage? {
        guard let text = text(folder + "/stat"), let name = text.lastIndex(of: ")") else { return nil }
        // The name may hold spaces and parentheses; the fields are counted from behind it (proc(5), field 3 is the first).
        let fields = text[text.index(after: name)...].split(separator: " ")
        guard fields.count > 14, let parent = Int(fields[1]) else { return nil }
        let ticks = fields[11...14].map { Double($0) ?? 0 }
        let rate = Double(sysconf(Int32(_SC_CLK_TCK)))
        return Usage(parent: parent, own: (ticks[0] + ticks[1]) / rate, ended: (ticks[2] + ticks[3]) / rate)
    }

    static func children(of process: Int) -> [Int] { all().filter { usage($0)?.parent == process } }

    /// Seconds of the process, its living children, and its children that ended.
    static func treeSeconds(_ root: Int) -> Double? {
        guard let usage = usage(root) else { return nil }
        return children(of: root).reduce(usage.own + usage.ended) { $0 + (self.usage($1)?.own ?? 0) }
    }

    /// Seconds of all threads that live, in nanoseconds' resolution: idle processes use less than the ticks of `usage` show.
    static func fineSeconds(_ process: Int) -> Double? {
        let threads = names("/proc/\(process)/task")
        guard !threads.isEmpty else { return nil }
        return threads.reduce(0) { sum, thread in
            sum + (text("/proc/\(process)/task/\(thread)/schedstat").flatMap { $0.split(separator: " ").first }.flatMap { Double($0) } ?? 0) / 1e9
        }
    }

    /// This process's threads: their names, and the seconds of each.
    static func ownThreads() -> [(name: String, seconds: Double)] {
        names("/proc/self/task").compactMap { thread in
            let folder = "/proc/self/task/" + thread
            guard let name = name(in: folder), let usage = usage(in: folder) else { return nil }
            return (name, usage.own)
        }
    }

    /// MiB: resident, and with shared pages divided among those who share them.
    static func memory(_ process: Int) -> (resident: Double, proportional: Double)? {
        guard let text = text("/proc/\(process)/smaps_rollup") else { return nil }
        var sizes: [Substring: Double] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 3, let kibibytes = Double(words[1]) { sizes[words[0]] = kibibytes / 1024 }
        }
        guard let resident = sizes["Rss:"], let proportional = sizes["Pss:"] else { return nil }
        return (resident, proportional)
    }

    static func name(_ process: Int) -> String? { name(in: "/proc/\(process)") }

    private static func name(in folder: String) -> String? {
        text(folder + "/comm").map { $0.split(separator: "\n").first.map(String.init) ?? "" }
    }

    /// The process that listens on this TCP port; nil when there is none, or it is another user's.
    static func listener(port: UInt16) -> Int? {
        let digits = String(port, radix: 16, uppercase: true)
        let suffix = ":" + String(repeating: "0", count: 4 - digits.count) + digits
        var sockets: Set<String> = []
        for file in ["/proc/net/tcp", "/proc/net/tcp6"] {
            for line in (text(file) ?? "").split(separator: "\n").dropFirst() {
                let fields = line.split(separator: " ")
                // 0A is the state LISTEN.
                if fields.count > 9, fields[3] == "0A", fields[1].hasSuffix(suffix) { sockets.insert("socket:[\(fields[9])]") }
            }
        }
        guard !sockets.isEmpty else { return nil }
        return all().first { process in
            names("/proc/\(process)/fd").contains { sockets.contains(link("/proc/\(process)/fd/\($0)")) }
        }
    }

    static func text(_ path: String) -> String? {
        (try? TextFile.read(path)).map { String(decoding: $0, as: UTF8.self) }
    }

    static func link(_ path: String) -> String {
        var target = [UInt8](repeating: 0, count: 4096)
        let count = target.withUnsafeMutableBytes { buffer in buffer.baseAddress.map { readlink(path, $0, buffer.count) } ?? 0 }
        return String(decoding: target.prefix(max(0, count)), as: UTF8.self)
    }

    private static func names(_ path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }
}
