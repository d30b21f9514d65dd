internal import CPostgres

extension PostgresError {
    /// Reads the error fields of a failed result; without a result, what libpq says about the connection.
    init(result: OpaquePointer?, connection: OpaquePointer, statement: String) {
        let lost = unsafe PQstatus(connection) == CONNECTION_BAD
        func field(_ code: Character) -> String {
            guard let result = unsafe result, let ascii = code.asciiValue, let text = unsafe PQresultErrorField(result, Int32(ascii)) else {
                return ""
            }
            return unsafe String(cString: text)
        }
        let sqlState = field("C")
        var message = field("M")
        if message.isEmpty { message = lost ? "the connection to the server was lost" : "libpq could not run the statement" }
        let kind: Kind =
            lost ? .connectionLost : Kind(sqlState: sqlState, constraint: field("n"), message: message, function: field("R"))
        let column = field("c")
        self.init(
            kind, statement: statement, column: column.isEmpty ? nil : column, sqlState: sqlState,
            message: sqlState.hasPrefix("22") ? Self.withoutQuotedData(message) : message)
    }

    /// Messages of class 22 quote the value that was refused; it may be personal, and it is never needed to find the fault.
    private static func withoutQuotedData(_ message: String) -> String {
        guard let first = message.firstIndex(of: "\""), let last = message.lastIndex(of: "\""), first < last else { return message }
        return message[...first] + "…" + message[last...]
    }
}
