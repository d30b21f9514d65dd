internal import Glibc

/// The files of one folder, for a route that ends in `{path...}`.
///
/// The way down is made of the request's decoded segments, and nothing that could lead elsewhere is followed: a segment that is `..`, starts with a
/// dot, or holds a slash is not found, and where symbolic links end must lie below the folder. Beside `app.js` may lie `app.js.gz`, made at
/// build time, which is sent to clients that take gzip. Files are opened on the task's thread: it is a matter of microseconds on a local disk.
package struct StaticFiles: Sendable {
    private let root: String
    private let index: String
    private let fallback: String?
    private let cacheControl: @Sendable (_ path: String) -> String

    /// Serves this folder.
    ///
    /// - Parameters:
    ///   - index: the file that stands for the folder itself.
    ///   - fallback: the file that answers every address that is no file, for a page that has its own addresses; nil answers 404.
    ///   - cacheControl: the `Cache-Control` of a path below the folder.
    package init(
        _ folder: String, index: String = "index.html", fallback: String? = nil,
        cacheControl: @escaping @Sendable (_ path: String) -> String = { _ in "no-cache" }
    ) {
        root = Self.resolved(folder) ?? folder
        self.index = index
        self.fallback = fallback
        self.cacheControl = cacheControl
    }

    package func respond(to request: Request) async -> Response {
        let segments = request.parameters.tail.isEmpty ? [index] : request.parameters.tail
        if let response = response(segments, request) { return response }
        if let fallback, let response = response([fallback], request) { return response }
        return Problem.notFound.response
    }

    private func response(_ segments: [String], _ request: Request) -> Response? {
        guard segments.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") && !$0.contains("/") && !$0.contains("\\") }) else { return nil }
        let path = segments.joined(separator: "/")
        guard let resolved = Self.resolved(root + "/" + path), resolved.hasPrefix(root + "/"), let file = OpenFile(resolved) else { return nil }
        var response = Response(200, headers: ["Content-Type": ContentType.of(path), "Cache-Control": cacheControl(path)], body: .file(resolved))
        response.headers["X-Content-Type-Options"] = "nosniff"
        var tag = Self.tag(file.facts)
        let packed = resolved + ".gz"
        if let packedFile = OpenFile(packed), packedFile.facts.modifiedNanoseconds >= file.facts.modifiedNanoseconds {
            response.headers["Vary"] = "Accept-Encoding"
            if Compression.isAccepted(request.headers) {
                response.headers["Content-Encoding"] = "gzip"
                response.body = .file(packed)
                tag = Self.tag(packedFile.facts)
            }
        }
        response.headers["ETag"] = tag
        return response
    }

    private static func tag(_ facts: OpenFile.Facts) -> String {
        "\"\(String(facts.inode, radix: 36))-\(String(facts.size, radix: 36))-\(String(facts.modifiedNanoseconds, radix: 36))\""
    }

    /// The path without links and dots; nil when there is no such file.
    private static func resolved(_ path: String) -> String? {
        guard let resolved = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }
}
