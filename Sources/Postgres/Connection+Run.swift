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
        try send(deferred.take() + [sql])
    }

    /// Sends what waits, for a command that cannot take it along.
    func sendDeferred() throws(PostgresError) {
        if !deferred.isEmpty { try send(deferred.take()) }
    }

    private func send(_ commands: [String]) throws(PostgresError) {
        _ = try unsafe take(PQexec(handle, commands.joined(separator: "; ")), "")
    }

    private func execute(_ statement: Statement, _ binds: [(any PostgresEncodable)?]) throws(PostgresError) -> Rows {
        let entry = if let known = prepared[statement] { known } else { try prepare(statement) }
        try parameters.encode(binds, as: entry.parameterTypes, of: statement)
        guard deferred.isEmpty else { return try executeInPipeline(statement, entry) }
        let result = unsafe parameters.withArguments { values, lengths, formats in
            unsafe PQexecPrepared(handle, entry.serverName, Int32(values.count), values, lengths, formats, WireFormat.binary.rawValue)
        }
        return try unsafe Rows(result: take(result, statement.name))
    }

    /// Sends the deferred commands and the statement together; the first that fails is the error, the server skips the rest.
    private func executeInPipeline(_ statement: Statement, _ entry: PreparedStatements.Entry) throws(PostgresError) -> Rows {
        let commands = deferred.take()
        var isSent = unsafe PQenterPipelineMode(handle) == 1
        for command in commands where isSent { isSent = unsafe PQsendQueryParams(handle, command, 0, nil, nil, nil, nil, 0) == 1 }
        if isSent {
            isSent = unsafe parameters.withArguments { values, lengths, formats in
                unsafe PQsendQueryPrepared(handle, entry.serverName, Int32(values.count), values, lengths, formats, WireFormat.binary.rawValue) == 1
            }
        }
        guard unsafe isSent && PQpipelineSync(handle) == 1 else {
            isSpoiled = true
            throw unsafe PostgresError(result: nil, connection: handle, statement: statement.name)
        }
        var outcome: Swift.Result<Result, PostgresError>?
        for position in 0...commands.count {
            let answer = next(position == commands.count ? statement.name : "")
            if case .failure = outcome {} else { outcome = answer }
        }
        // The last answer is the pipeline's own, that it is through.
        unsafe PQclear(PQgetResult(handle))
        if unsafe PQexitPipelineMode(handle) != 1 { isSpoiled = true }
        guard let outcome else { throw PostgresError(.connectionLost, statement: statement.name, message: "the connection to the server was lost") }
        return try Rows(result: outcome.get())
    }

    /// The answer to one command of a pipeline.
    private func next(_ statement: String) -> Swift.Result<Result, PostgresError> {
        let pointer = unsafe PQgetResult(handle)
        defer {
            while !isSpoiled, let more = unsafe PQgetResult(handle) {
                // A COPY does not belong into a pipeline, and libpq would say so for ever.
                if unsafe [PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH].contains(PQresultStatus(more)) { isSpoiled = true }
                unsafe PQclear(more)
            }
        }
        do throws(PostgresError) { return .success(try unsafe take(pointer, statement)) } catch { return .failure(error) }
    }

    private func prepare(_ statement: Statement) throws(PostgresError) -> PreparedStatements.Entry {
        // A statement that cannot be prepared must fail inside the savepoint that is meant to catch it.
        try sendDeferred()
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
