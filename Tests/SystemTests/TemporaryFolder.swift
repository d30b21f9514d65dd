import Glibc
import TestSupport

/// A folder below the system's temporary one, removed with the last reference.
final class TemporaryFolder: Sendable {
    let path: String

    struct NotMade: Error {}

    init() throws {
        var template = Array("/tmp/millrace-system-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw NotMade() }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        if let remover = popen("rm -rf '\(path)'", "r") { pclose(remover) }
    }

    func folder(_ name: String) throws {
        guard mkdir(path + "/" + name, 0o755) == 0 else { throw NotMade() }
    }

    func write(_ name: String, _ text: String) throws {
        guard let file = fopen(path + "/" + name, "w") else { throw NotMade() }
        defer { fclose(file) }
        guard fputs(text, file) >= 0 else { throw NotMade() }
    }
}
