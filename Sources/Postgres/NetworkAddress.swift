internal import Glibc

/// The text of an `inet` or `cidr`: an IPv4 or IPv6 address, and a prefix length unless it is a single host's `inet`.
package struct NetworkAddress: Hashable, Sendable {
    package let text: String

    /// Takes the text as it is; the server refuses what is not an address.
    package init(_ text: String) { self.text = text }
}

/// Sent as text, which the server parses; read from the binary form (`network_send` in `network.c`): family (2 or 3), prefix length, whether it is a
/// `cidr`, count of bytes, bytes.
extension NetworkAddress: PostgresEncodable, PostgresDecodable {
    package static var postgresType: UInt32 { PostgresType.inet }

    package static func format(for type: UInt32) -> WireFormat? {
        type == PostgresType.inet || type == PostgresType.cidr || type == PostgresType.text ? .text : nil
    }

    package func encode(as type: UInt32, into bytes: inout [UInt8]) { bytes.append(contentsOf: text.utf8) }

    package static func decode(_ cell: Cell) throws(CellError) -> NetworkAddress {
        guard cell.type == PostgresType.inet || cell.type == PostgresType.cidr else { throw .wrongType }
        guard cell.count == 8 || cell.count == 20, Int(cell[3]) == cell.count - 4 else { throw .malformed }
        let isVersion6 = cell.count == 20
        let address = cell.bytes(from: 4)
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard unsafe inet_ntop(isVersion6 ? AF_INET6 : AF_INET, address, &buffer, socklen_t(buffer.count)) != nil else { throw .malformed }
        let text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let isWholeHost = Int(cell[1]) == (isVersion6 ? 128 : 32)
        return NetworkAddress(isWholeHost && cell.type == PostgresType.inet ? text : "\(text)/\(cell[1])")
    }
}
