internal import CMicroHTTPD

/// Request line and header fields, judged before a byte of the body is read.
///
/// The library is lenient where two servers in a row could understand two different requests (request smuggling, RFC 9112, section 11.2). What
/// is ambiguous is refused here: a length and a transfer coding together, several lengths, codings other than chunked, names with spaces.
struct RequestHead: Sendable {
    let method: Method
    let target: RequestTarget
    let headers: Headers
    /// The body's length when the client says it.
    let length: Int?
    let isChunked: Bool

    var awaitsContinue: Bool { headers["Expect"]?.equalsWithoutCase("100-continue") == true }

    init(method: String, version: String, rawTarget: [UInt8], headers: Headers, limits: ServerSettings) throws(Problem) {
        guard rawTarget.count <= limits.maxTargetBytes else { throw .targetTooLong(limit: limits.maxTargetBytes) }
        let size = headers.fields.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
        guard size <= limits.maxHeaderBytes else { throw .headersTooLarge(limit: limits.maxHeaderBytes) }
        guard method.isToken else { throw .badRequest("The method is no token.") }
        guard let target = RequestTarget(rawTarget) else { throw .badRequest("The address is malformed.") }
        guard headers.fields.allSatisfy(\.isSafe) else { throw .badRequest("A header field is malformed.") }
        let hosts = headers.all("Host").count
        guard hosts == 1 || (hosts == 0 && version == "HTTP/1.0") else { throw .badRequest("There has to be one Host.") }
        let codings = headers.all("Transfer-Encoding")
        let lengths = headers.all("Content-Length")
        guard codings.isEmpty || (codings.count == 1 && codings[0].equalsWithoutCase("chunked") && lengths.isEmpty) else {
            throw .badRequest("The length of the body is ambiguous.")
        }
        guard lengths.count <= 1 else { throw .badRequest("The length of the body is ambiguous.") }
        self.method = Method(method)
        self.target = target
        self.headers = headers
        length = try lengths.first.map { (text) throws(Problem) in
            guard text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let length = Int(text) else {
                throw .badRequest("Content-Length is no length.")
            }
            return length
        }
        isChunked = !codings.isEmpty
    }

    /// Reads the fields that the library has parsed; trailers are not among them.
    static func headers(of handle: RequestHandle) -> Headers {
        var headers = Headers()
        unsafe withUnsafeMutablePointer(to: &headers) { headers in
            _ = unsafe MHD_get_connection_values_n(handle.pointer, .HEADER_KIND, collectHeader, headers)
        }
        return headers
    }
}

/// The library's texts, which are there during a call, and are made strings once per request.
@safe
struct RequestLine {
    private let methodText: UnsafePointer<CChar>?
    private let versionText: UnsafePointer<CChar>?

    init(method: UnsafePointer<CChar>?, version: UnsafePointer<CChar>?) {
        unsafe methodText = method
        unsafe versionText = version
    }

    var method: String { unsafe methodText.map { unsafe String(cString: $0) } ?? "" }
    var version: String { unsafe versionText.map { unsafe String(cString: $0) } ?? "" }
}

private func collectHeader(
    _ context: UnsafeMutableRawPointer?, _ kind: MHD_ValueKind, _ name: UnsafePointer<CChar>?, _ nameLength: Int, _ value: UnsafePointer<CChar>?,
    _ valueLength: Int
) -> MHD_Result {
    guard let headers = unsafe context?.assumingMemoryBound(to: Headers.self) else { return .NO }
    let name = unsafe String(decoding: UnsafeRawBufferPointer(start: name, count: nameLength), as: UTF8.self)
    let value = unsafe String(decoding: UnsafeRawBufferPointer(start: value, count: valueLength), as: UTF8.self)
    unsafe headers.pointee.add(name, value)
    return .YES
}
