internal import Glibc
internal import Synchronization

/// A regular file that is open for reading; closed with the last reference unless the descriptor was handed on.
final class OpenFile: Sendable {
    struct Facts {
        let size: Int
        let modifiedNanoseconds: Int64
        let inode: UInt64
    }

    let facts: Facts
    private let descriptor: Mutex<Int32?>

    /// Opens it; nil when there is no regular file of this name that this process may read.
    init?(_ path: String) {
        // O_NONBLOCK: opening a FIFO for reading would otherwise wait for a writer.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            return nil
        }
        facts = Facts(
            size: Int(status.st_size), modifiedNanoseconds: Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec),
            inode: UInt64(status.st_ino))
        self.descriptor = Mutex(descriptor)
    }

    /// Hands the descriptor on; whoever takes it closes it.
    ///
    /// Nil when it was taken before.
    func take() -> Int32? {
        descriptor.withLock { descriptor in
            defer { descriptor = nil }
            return descriptor
        }
    }

    deinit {
        if let descriptor = take() { close(descriptor) }
    }
}
