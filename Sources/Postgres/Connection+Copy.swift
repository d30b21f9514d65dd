internal import CPostgres

/// COPY in both directions, a chunk at a time; the statement's text is the whole command, for COPY takes no parameters.
extension Connection {
    /// Sends rows to `COPY … FROM STDIN` in text format, as the body writes them.
    ///
    /// - Returns: how many rows the server stored.
    /// - Throws: what the body throws, after the server has forgotten everything; the errors of the table's constraints.
    @discardableResult
    package func copyIn(_ statement: Statement, _ body: (inout CopyWriter) throws -> Void) throws -> Int {
        try begin(statement, PGRES_COPY_IN)
        var writer = unsafe CopyWriter(handle)
        do {
            try body(&writer)
            try writer.flush()
        } catch {
            unsafe PQputCopyEnd(handle, "the sender gave up")
            // When the server failed first, its reason is the better one.
            do {
                _ = try end(statement)
            } catch  where error.sqlState != "57014" {
                throw error
            } catch {}
            throw error
        }
        unsafe PQputCopyEnd(handle, nil)
        return try end(statement)
    }

    /// Sends rows to `COPY … FROM STDIN` in text format; nil is NULL.
    @discardableResult
    package func copyIn(_ statement: Statement, rows: some Sequence<[(any CopyField)?]>) throws -> Int {
        try copyIn(statement) { writer in
            for row in rows { try writer.row(row) }
        }
    }

    /// Receives the output of `COPY … TO STDOUT`, in whatever format the statement names, in chunks of whole rows.
    ///
    /// - Parameter chunk: is handed about 64 KiB at a time; when it throws, the server is told to stop and the error goes on to the caller.
    /// - Returns: how many rows there were.
    @discardableResult
    package func copyOut(_ statement: Statement, _ chunk: ([UInt8]) throws -> Void) throws -> Int {
        try begin(statement, PGRES_COPY_OUT)
        var bytes: [UInt8] = []
        do {
            try unsafe receive { row in
                unsafe bytes.append(contentsOf: row)
                guard bytes.count >= CopyWriter.chunkSize else { return }
                try chunk(bytes)
                bytes.removeAll(keepingCapacity: true)
            }
            if !bytes.isEmpty { try chunk(bytes) }
        } catch {
            try? cancelHandle().cancel()
            try? unsafe receive { _ in }
            _ = try? end(statement)
            throw error
        }
        return try end(statement)
    }

    /// Receives the rows of `COPY … TO STDOUT` in text format, as texts; nil is NULL.
    @discardableResult
    package func copyOutRows(_ statement: Statement, _ row: ([String?]) throws -> Void) throws -> Int {
        try copyOut(statement) { chunk in
            for line in chunk.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast() { try row(CopyText.fields(of: line)) }
        }
    }

    private func begin(_ statement: Statement, _ wanted: ExecStatusType) throws(PostgresError) {
        try sendDeferred()
        let result = unsafe PQexec(handle, statement.text)
        if let result = unsafe result, unsafe PQresultStatus(result) == wanted {
            unsafe PQclear(result)
            return
        }
        _ = try unsafe take(result, statement.name)
        throw PostgresError(.invalidInput, statement: statement.name, message: "the statement is no COPY of this direction")
    }

    /// Hands on one row after the other until the server has no more.
    private func receive(_ row: (UnsafeRawBufferPointer) throws -> Void) throws {
        var buffer: UnsafeMutablePointer<CChar>?
        while true {
            let length = unsafe PQgetCopyData(handle, &buffer, 0)
            guard length > 0, let start = unsafe buffer else { return }
            defer { unsafe PQfreemem(start) }
            unsafe try row(UnsafeRawBufferPointer(start: start, count: Int(length)))
        }
    }

    /// Takes all results of the command; the first error among them is thrown.
    private func end(_ statement: Statement) throws(PostgresError) -> Int {
        var affected = 0
        var failure: PostgresError?
        while let pointer = unsafe PQgetResult(handle) {
            do {
                affected = try unsafe take(pointer, statement.name).affected
            } catch {
                failure = failure ?? error
                // Results of a lost connection never end.
                if !isUsable { break }
            }
        }
        if let failure { throw failure }
        return affected
    }
}
