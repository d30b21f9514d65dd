internal import Bytes
internal import CCurl

/// One order on its way: which address it may use, what has come back so far.
///
/// Lives on the loop's thread; libcurl's callbacks find it by pointer.
///
/// The table of the loop keeps it alive until its easy handle is out of the multi handle, so the unretained pointers that libcurl holds stay good.
@safe
final class Transfer {
    /// Beyond this the answer's headers are no answer.
    private static let maximumHeaderBytes = 64 << 10

    let order: Order
    let request: ClientRequest?

    // Where to.
    /// What is left to try when an address does not accept a connection; all of them were judged.
    var candidates: [IPAddress] = []
    /// The one address that this attempt may connect to.
    var pinned: IPAddress?
    var connectDeadline: Int64?
    var lookupTook: Int64 = 0
    var attemptStarted: Int64 = 0
    var socketOpened: (() -> Void)?

    // What libcurl holds while the transfer runs.
    var easy: UnsafeMutableRawPointer?
    var headerList: UnsafeMutablePointer<curl_slist>?
    var connectTo: UnsafeMutablePointer<curl_slist>?
    let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

    // How far it came.
    /// A connection would have led, or has led, somewhere that was not judged.
    private(set) var strayed: IPAddress?
    /// The connection stands, and the request is about to be written.
    private(set) var requestBegan = false
    private(set) var responseBegan = false
    private(set) var truncated = false
    private(set) var headersTooLarge = false
    private(set) var headers = HeaderFields()
    private(set) var body: [UInt8] = []
    private var headerBytes = 0
    /// The empty line behind the head has come.
    private(set) var headersEnded = false
    private var status = 0

    init(order: Order) {
        self.order = order
        if case .transfer(let request) = order.work { self.request = request } else { request = nil }
        unsafe errorText.pointee = 0
    }

    deinit { unsafe errorText.deallocate() }

    /// Decides whether this is the address that was judged; a socket for any other is not opened, a request over any other not written.
    func permits(_ address: IPAddress?) -> Bool {
        if let address, address.unmapped == pinned?.unmapped { return true }
        strayed = address
        return false
    }

    /// The last look before the request is written, also on a reused connection.
    func permitsRequest(on address: IPAddress?) -> Bool {
        guard permits(address) else { return false }
        requestBegan = true
        return true
    }

    /// Takes one line of the response's head in; false ends the transfer.
    func receiveHeader(_ line: [UInt8]) -> Bool {
        responseBegan = true
        headerBytes += line.count
        guard headerBytes <= Self.maximumHeaderBytes else {
            headersTooLarge = true
            return false
        }
        let text = line.prefix { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }
        if !headersEnded || (100..<200).contains(status), text.starts(with: "HTTP/".utf8) {
            // Each 1xx is a head of its own before the real one.
            headersEnded = false
            headers = HeaderFields()
            status = text.split(separator: UInt8(ascii: " ")).dropFirst().first.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
        } else if text.isEmpty {
            headersEnded = true
        } else if !headersEnded, let colon = text.firstIndex(of: UInt8(ascii: ":")) {
            // Behind the body come trailers, which nobody here asked for.
            headers.add(String(decoding: text[..<colon], as: UTF8.self), String(decoding: Self.trim(text[(colon + 1)...]), as: UTF8.self))
        }
        return true
    }

    /// Takes a piece of the body in; false ends the transfer, because there is no room for all of it.
    func receiveBody(_ piece: UnsafeRawBufferPointer) -> Bool {
        let room = max(0, (request?.maximumResponseBytes ?? 0) - body.count)
        unsafe body.append(contentsOf: piece.prefix(room))
        truncated = piece.count > room
        return !truncated
    }

    private static func trim(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let isSpace: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        let start = text.drop(while: isSpace)
        return start.lastIndex { !isSpace($0) }.map { start[...$0] } ?? []
    }
}
