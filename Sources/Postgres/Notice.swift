internal import CPostgres

/// A notice or warning that the server sent beside its answer.
package struct Notice: Sendable, Hashable {
    /// `NOTICE`, `WARNING`, `INFO`, `LOG` or `DEBUG`.
    package let severity: String
    package let sqlState: String
    package let message: String
}

/// Receives libpq's notices in place of its default, which prints them to stderr.
final class NoticeSink {
    var forward: ((Notice) -> Void)?

    /// The connection keeps an unowned pointer to the sink: the sink's owner must close the connection before it lets go of the sink.
    func attach(to connection: OpaquePointer) {
        let receive: PQnoticeReceiver = { context, result in
            guard let context = unsafe context, let result = unsafe result else { return }
            let sink = unsafe Unmanaged<NoticeSink>.fromOpaque(context).takeUnretainedValue()
            guard let forward = sink.forward else { return }
            func field(_ code: Int32) -> String { unsafe PQresultErrorField(result, code).map { unsafe String(cString: $0) } ?? "" }
            // PG_DIAG_SEVERITY_NONLOCALIZED, PG_DIAG_SQLSTATE, PG_DIAG_MESSAGE_PRIMARY
            forward(
                Notice(
                    severity: field(Int32(UInt8(ascii: "V"))), sqlState: field(Int32(UInt8(ascii: "C"))),
                    message: field(Int32(UInt8(ascii: "M")))))
        }
        unsafe PQsetNoticeReceiver(connection, receive, Unmanaged.passUnretained(self).toOpaque())
    }
}
