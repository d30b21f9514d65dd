/// The one table from PostgreSQL's SQLSTATE (appendix A of its manual) to our kinds.
extension PostgresError.Kind {
    init(sqlState: String, constraint: String, message: String, function: String) {
        switch sqlState {
        case "23505", "23P01": self = .uniqueViolation(constraint: constraint)
        case "23503": self = .foreignKeyViolation(constraint: constraint)
        // No constraint of anybody's, but a partition that was attached while the row was on its way to the default one: the next attempt finds it.
        case "23514" where function == "ExecPartitionCheckEmitError": self = .serializationFailure
        case "23514": self = .checkViolation(constraint: constraint)
        case "23502": self = .notNullViolation
        case "40001": self = .serializationFailure
        case "40P01": self = .deadlock
        case "55P03": self = .lockTimeout
        case "57014":
            // One state for two causes. The English text tells; in any other language of the server we assume the cause that we configured ourselves.
            self = message.contains("user request") ? .cancelled : .statementTimeout
        case "25006": self = .readOnly
        case "53300": self = .tooManyConnections
        case "57P01", "57P02", "57P03": self = .shuttingDown
        case "42501": self = .insufficientPrivilege
        case "3D000", "3F000", "42P01", "42703", "42704", "42883", "42P02": self = .undefinedObject
        case "26000": self = .stalePlan
        case "0A000" where function == "RevalidateCachedQuery": self = .stalePlan
        default:
            switch sqlState.prefix(2) {
            case "08": self = .connectionLost
            case "22": self = .invalidInput
            case "28": self = .insufficientPrivilege
            default: self = .other
            }
        }
    }
}
