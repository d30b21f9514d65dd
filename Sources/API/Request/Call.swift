internal import Business
internal import Bytes
internal import HTTPServer
internal import JSON

/// A request that was understood: who calls, with which values.
///
/// What a handler gets.
struct Call: Sendable {
    let context: APIContext
    let request: Request
    let operation: ContractOperation
    /// Where it comes from.
    let origin: Origin
    /// Who was let in; nil for a public operation.
    let admitted: Caller?
    let body: Fields
    let query: Fields

    var business: Business { context.business }

    /// Who calls.
    ///
    /// A public operation has nobody, and asking for them there is a mistake in the program.
    var caller: Caller {
        guard let admitted else { preconditionFailure("\(operation.id) is public and has no caller") }
        return admitted
    }

    /// The identifier in the path; its form was checked.
    func id(_ name: String) throws(Problem) -> Identifier {
        guard let id = request.parameters[name].flatMap({ Identifier(prefixed: $0) }) else { throw Problems.nothingHere }
        return id
    }

    /// A name in the path.
    func name(_ name: String) throws(Problem) -> String {
        guard let text = request.parameters[name] else { throw Problems.nothingHere }
        return text
    }

    /// How many elements a page has at most.
    var limit: Int { query.int("limit") ?? 50 }
    /// After which element the page begins.
    var cursor: Identifier? { query.id("cursor") }
    /// The trace that the request belongs to, for the jobs that it makes.
    var trace: String? { request.headers["traceparent"].flatMap { TraceHeader.checked($0) } }
}
