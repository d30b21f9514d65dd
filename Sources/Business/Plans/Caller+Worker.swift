internal import Bytes

extension Caller {
    /// Who acts when a job does: the account whose job it is, and the user who asked for it.
    ///
    /// It has no rights: nothing checks it, the audit log names it.
    static func worker(for accountID: Identifier, actor: Identifier?) -> Caller {
        Caller(accountID: accountID, role: .customer, permissions: [], actorID: actor, subjectID: actor)
    }
}
