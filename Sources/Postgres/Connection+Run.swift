internal import CPostgres

extension Connection {
    /// Runs a statement, prepared at its first use on this connection, with parameters and results in binary format.
    ///
    /// - Throws: every kind of `PostgresError`; after `connectionLost` the connection is not usable.
    @discardableResult
    package func run(_ statement: Statement, _ binds: (any PostgresEncodable)?...) throws(PostgresError) -> Rows {
        try run(statement, binds: binds)
    }

    /// Runs a statement with its binds in an array.
    @discardableResult
    package func run(_ statement: Statement, binds: [(any PostgresEncodable)?]) throws(PostgresError) -> Rows {
        do {
            return try execute(statement, binds)
        } catch {
            guard error.kind == .stalePlan else { throw error }
            prepared.forget(statement)
            // Inside a transaction the statement's failure has already failed the transaction; the next attempt of it will prepare anew.
            guard !isInTransaction else { throw error }
            return try execute(statement, binds)
        }
    }

    /// Runs several statements in the simple protocol, as one implicit transaction unless they say otherwise: migrations, test data.
    package func script(_ sql: String) throws(PostgresError) {
        _ = try unsafe take(PQexec(handle, sql), "")
    }

    private func execute(_ statement: Statement, _ binds: [(any PostgresEncodable)?]) throws(PostgresError) -> Rows {
        let entry = if let known = prepared[statement] { known } else { try prepare(statement) }
        try parameters.encode(binds, as: entry.parameterTypes, of: statement)
        let result = unsafe parameters.withArguments { values, lengths, formats in
            unsafe PQexecPrepared(handle, entry.serverName, Int32(values.count), values, lengths, formats, WireFormat.binary.rawValue)
        }
        return try unsafe Rows(result: take(result, statement.name))
    }

    private func prepare(_ statement: Statement) throws(PostgresError) -> PreparedStatements.Entry {
        let serverName = prepared.freshName(for: statement)
        _ = try unsafe take(PQprepare(handle, serverName, statement.text, 0, nil), statement.name)
        // Until it is remembered, the name counts as used up: should describing fail, the next attempt takes another.
        prepared.forget(statement)
        guard let described = unsafe PQdescribePrepared(handle, serverName) else {
            throw unsafe PostgresError(result: nil, connection: handle, statement: statement.name)
        }
        defer { unsafe PQclear(described) }
        guard unsafe PQresultStatus(described) == PGRES_COMMAND_OK else {
            throw unsafe PostgresError(result: described, connection: handle, statement: statement.name)
        }
        let types = unsafe (0..<PQnparams(described)).map { unsafe PQparamtype(described, $0) }
        let entry = PreparedStatements.Entry(text: statement.text, serverName: serverName, parameterTypes: types)
        prepared.remember(entry, for: statement)
        return entry
    }

    /// Turns what libpq returned into a result of ours, or into the error that it holds.
    func take(_ pointer: OpaquePointer?, _ statement: String) throws(PostgresError) -> Result {
        guard let pointer = unsafe pointer else { throw unsafe PostgresError(result: nil, connection: handle, statement: statement) }
        switch unsafe PQresultStatus(pointer) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
            return unsafe Result(pointer, statement: statement)
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
            // The session waits for data that nobody will send; libpq ends the copy at the next command.
            unsafe PQclear(pointer)
            throw PostgresError(.invalidInput, statement: statement, message: "COPY goes through copyIn and copyOut")
        default:
            defer { unsafe PQclear(pointer) }
            throw unsafe PostgresError(result: pointer, connection: handle, statement: statement)
        }
    }
}
