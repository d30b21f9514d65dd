internal import Postgres

extension JobError {
    /// What an error thrown by a handler means: its own word, its module's, or the table below.
    init(_ error: any Error) {
        switch error {
        case let error as JobError: self = error
        case let error as any JobFailure: self = error.jobError
        case let error as PostgresError: self = JobError(postgres: error)
        case is CancellationError: self = JobError(.interrupted, code: "interrupted", "the run was broken off")
        case let error as LedgerError: self = JobError(error.kind == .contended ? .transient : .permanent, code: "enqueue_refused", error.message)
        default: self = JobError(.transient, code: "unexpected_error", String(describing: type(of: error)))
        }
    }

    private init(postgres error: PostgresError) {
        let code = error.sqlState.isEmpty ? "database_error" : "sql_" + error.sqlState.lowercased()
        self = JobError(Self.mayPass(error) ? .transient : .permanent, code: code, error.message)
    }

    /// A constraint that a handler did not expect will be violated again.
    ///
    /// What the server, the network or its operator did may pass, and so may what is missing or forbidden while a new version is rolled out.
    private static func mayPass(_ error: PostgresError) -> Bool {
        switch error.kind {
        case .cancelled, .undefinedObject, .insufficientPrivilege: true
        default: error.isTransient || error.isConnectionLoss
        }
    }
}
