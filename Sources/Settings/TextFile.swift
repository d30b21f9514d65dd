internal import Glibc

/// Reads small files whole, by the C library: this floor has no Foundation.
package enum TextFile {
    package struct Failure: Error, Sendable, Hashable, CustomStringConvertible {
        package let description: String

        package init(description: String) {
            self.description = description
        }
    }

    /// The bytes of a file of at most 16 MiB.
    package static func read(_ path: String) throws(Failure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure() }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count == 0 { return bytes }
            if count < 0 {
                if errno == EINTR { continue }
                throw failure()
            }
            bytes += chunk[..<count]
            guard bytes.count <= 16 << 20 else { throw Failure(description: "the file is larger than 16 MiB") }
        }
    }

    private static func failure() -> Failure {
        switch errno {
        case ENOENT: Failure(description: "there is no such file")
        case EACCES: Failure(description: "the file may not be read by this user")
        case EISDIR: Failure(description: "that is a directory")
        default: Failure(description: "the file cannot be read (error \(errno))")
        }
    }
}
