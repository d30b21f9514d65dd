internal import Bytes
internal import Glibc

// The metrics that every Prometheus client has, under their usual names, read from /proc at each scrape.

extension MetricRegistry {
    /// Registers memory, processor time, open files and the start of this process.
    package func registerProcessMetrics() {
        let start = Double(wallMicroseconds()) / 1_000_000
        gauge("process_start_time_seconds", "When the process started, in seconds since 1970.") { start }
        gauge("process_resident_memory_bytes", "Resident memory in bytes.") { ProcessFigures.residentBytes }
        gauge("process_open_fds", "Open file descriptors.") { ProcessFigures.openDescriptors }
        counter("process_cpu_seconds_total", "Processor time of user and system in seconds.") { ProcessFigures.processorSeconds }
    }
}

enum ProcessFigures {
    /// The second field of statm counts pages.
    static var residentBytes: Double {
        let fields = content(of: "/proc/self/statm").split(separator: " ")
        guard fields.count > 1, let pages = Double(fields[1]) else { return .nan }
        return pages * Double(sysconf(Int32(_SC_PAGESIZE)))
    }

    static var processorSeconds: Double {
        var usage = rusage()
        guard getrusage(Int32(RUSAGE_SELF.rawValue), &usage) == 0 else { return .nan }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    static var openDescriptors: Double {
        guard let folder = opendir("/proc/self/fd") else { return .nan }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // Without ".", ".." and the descriptor of this very listing.
        return Double(count - 3)
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000 }

    /// The first kilobyte, enough for one line of /proc.
    private static func content(of path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1024)
        let count = read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes[..<max(0, count)], as: UTF8.self)
    }
}
