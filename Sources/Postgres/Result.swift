internal import CPostgres

/// Owns a `PGresult`; rows point into it and keep it alive.
@safe
final class Result {
    let statement: String
    let rowCount: Int
    let columns: [Column]
    private let pointer: OpaquePointer
    /// Where the next column is likely to be: code reads columns in the order in which the statement lists them.
    private var expected = 0

    struct Column {
        let name: String
        let type: UInt32
    }

    /// Takes over the result.
    init(_ result: OpaquePointer, statement: String) {
        unsafe pointer = unsafe result
        self.statement = statement
        rowCount = unsafe Int(PQntuples(result))
        columns = unsafe (0..<PQnfields(result)).map { unsafe Column(name: String(cString: PQfname(result, $0)), type: PQftype(result, $0)) }
    }

    deinit { unsafe PQclear(pointer) }

    /// How many rows the command touched, from its tag; zero for commands without a count.
    var affected: Int { unsafe Int(String(cString: PQcmdTuples(pointer))) ?? 0 }

    func index(of name: String) -> Int? {
        if expected < columns.count, columns[expected].name == name {
            expected += 1
            return expected - 1
        }
        guard let index = columns.firstIndex(where: { $0.name == name }) else { return nil }
        expected = index + 1
        return index
    }

    /// The cell, or nil for NULL.
    func cell(row: Int, column: Int) -> Cell? {
        let row = Int32(row)
        let index = Int32(column)
        guard unsafe PQgetisnull(pointer, row, index) == 0, let base = unsafe PQgetvalue(pointer, row, index) else { return nil }
        return unsafe Cell(type: columns[column].type, base: UnsafeRawPointer(base), count: Int(PQgetlength(pointer, row, index)))
    }
}
