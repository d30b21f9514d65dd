/// The rows that a statement returned, in the memory that libpq received them in.
///
/// Not Sendable: take out what you need before you leave the lane.
package struct Rows: RandomAccessCollection {
    let result: Result

    package var startIndex: Int { 0 }
    package var endIndex: Int { result.rowCount }

    package subscript(position: Int) -> Row {
        precondition(position >= 0 && position < result.rowCount, "the row exists")
        return Row(result: result, index: position)
    }

    /// How many rows were inserted, updated, deleted or selected.
    package var affected: Int { result.affected }

    /// The columns' names in order.
    package var columns: [String] { result.columns.map(\.name) }

    /// The only row.
    ///
    /// - Throws: `decoding` when there is none, or more than one.
    package func only() throws(PostgresError) -> Row {
        guard count == 1 else { throw PostgresError(.decoding, statement: result.statement, message: "expected one row, found \(count)") }
        return self[0]
    }
}

/// One row: `let note: String? = try row("note")`.
package struct Row {
    let result: Result
    let index: Int

    /// The value of the named column in the type that the caller's context asks for.
    ///
    /// - Throws: `decoding` with the statement's and the column's name, when there is no such column or it does not fit.
    package func callAsFunction<T: PostgresDecodable>(_ column: String) throws(PostgresError) -> T {
        guard let position = result.index(of: column) else {
            throw PostgresError(.decoding, statement: result.statement, column: column, message: "the result has no column \(column)")
        }
        return try value(at: position)
    }

    /// The value of the column at a position, counted from zero.
    package func callAsFunction<T: PostgresDecodable>(_ position: Int) throws(PostgresError) -> T {
        guard result.columns.indices.contains(position) else {
            throw PostgresError(.decoding, statement: result.statement, message: "the result has no column number \(position)")
        }
        return try value(at: position)
    }

    private func value<T: PostgresDecodable>(at position: Int) throws(PostgresError) -> T {
        do {
            guard let cell = result.cell(row: index, column: position) else { return try T.decodeNull() }
            return try T.decode(cell)
        } catch {
            let column = result.columns[position]
            let message = "column \(column.name) (\(PostgresType.name(column.type))) read as \(T.self) \(error)"
            throw PostgresError(.decoding, statement: result.statement, column: column.name, message: message)
        }
    }
}
