internal import Glibc

/// Processor time by who spent it: this process's threads by their names, and the servers' processes on this machine by theirs.
///
/// Read from `/proc`; ticks are 10 ms, so only what lasts seconds is worth reading. A server process that ended in between is not counted.
enum ProcessorTime {
    struct Share {
        var name: String
        var seconds: Double
    }

    struct Reading {
        fileprivate var seconds: [String: Double] = [:]

        /// What was spent in between, greatest first.
        static func - (later: Reading, earlier: Reading) -> [Share] {
            later.seconds.map { Share(name: $0.key, seconds: $0.value - (earlier.seconds[$0.key] ?? 0)) }
                .filter { $0.seconds >= 0.02 }.sorted { $0.seconds > $1.seconds }
        }
    }

    static func now() -> Reading {
        var reading = Reading()
        for task in numbers(in: "/proc/self/task") {
            add("/proc/self/task/\(task)/stat", to: &reading) { name in
                // `w-webhook-1` and `w-webhook-2` are one kind of thread; threads without a name of their own are Swift's pool.
                let stem = String(name.prefix { !$0.isNumber })
                return stem.hasPrefix("millrace") ? "tasks" : stem.hasSuffix("-") ? String(stem.dropLast()) : stem
            }
        }
        for process in numbers(in: "/proc") {
            add("/proc/\(process)/stat", to: &reading) { ["postgres": "[postgres]", "beam.smp": "[rabbitmq]"][$0] }
        }
        return reading
    }

    private static func add(_ file: String, to reading: inout Reading, naming: (String) -> String?) {
        guard let text = read(file), let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")"),
            let name = naming(String(text[text.index(after: open)..<close]))
        else { return }
        let fields = text[text.index(after: close)...].split(separator: " ")
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return }
        reading.seconds[name, default: 0] += (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    private static func numbers(in folder: String) -> [Int] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var numbers: [Int] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let number = Int(name) { numbers.append(number) }
        }
        return numbers
    }

    private static func read(_ file: String) -> String? {
        let descriptor = open(file, O_RDONLY)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 2048)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }
}
