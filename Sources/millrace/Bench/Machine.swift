internal import Glibc
internal import JSON

/// The machine that a figure belongs to.
struct Machine {
    var cores: Int
    var model: String
    var memoryGiB: Double
    var kernel: String
    /// The load of the last minute when the run began: above nought, others worked too.
    var load: String

    static func read() -> Machine {
        let processors = ProcessTable.text("/proc/cpuinfo") ?? ""
        let model = processors.split(separator: "\n").first { $0.hasPrefix("model name") }?.split(separator: ":").last.map(trimmed)
        let memory = (ProcessTable.text("/proc/meminfo") ?? "").split(separator: "\n").first { $0.hasPrefix("MemTotal") }?.split(separator: " ")
        return Machine(
            cores: sysconf(Int32(_SC_NPROCESSORS_ONLN)), model: model ?? "unknown", memoryGiB: (memory.flatMap { Double($0[1]) } ?? 0) / 1_048_576,
            kernel: trimmed((ProcessTable.text("/proc/sys/kernel/osrelease") ?? "unknown")[...]),
            load: (ProcessTable.text("/proc/loadavg") ?? "").split(separator: " ").first.map(String.init) ?? "unknown")
    }

    var text: String { "\(cores) cores of \(model), \(memoryText) GiB, Linux \(kernel), load \(load)" }

    var json: JSONValue {
        [
            "cores": .int(Int64(cores)), "model": .string(model), "memoryGiB": .double(memoryGiB), "kernel": .string(kernel), "load": .string(load),
        ]
    }

    private var memoryText: String { Measure(key: "", label: "", unit: "", digits: 1).text(memoryGiB) }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop { $0 == " " }.split(separator: "\n").first ?? "")
    }
}
