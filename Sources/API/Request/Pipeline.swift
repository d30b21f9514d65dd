internal import Business
internal import HTTPServer
internal import JSON
internal import Postgres

/// The way of a request: origin, limit and credentials, the description's checks, the handler, the answer.
struct Pipeline: Sendable {
    let context: APIContext
    let described: ContractOperation
    let operation: Operation

    func respond(to request: Request) async -> Response {
        let origin = Origin(
            ip: context.clientAddress.text(of: request), userAgent: request.headers["User-Agent"], requestID: request.id)
        var rate: RateLimitState?
        var response: Response
        do {
            try context.origins.require(request)
            let admission = try await Admission.decide(request, described, from: origin, in: context)
            rate = admission.rate
            let caller = try admission.caller
            let validation = Validation(operation: described, request: request)
            try validation.path()
            let query = try validation.query()
            let body = try validation.body()
            let call = Call(
                context: context, request: request, operation: described, origin: origin, admitted: caller, body: Fields(body),
                query: Fields(.object(query)))
            response = try await carryOut(call)
        } catch {
            response = Problems.problem(of: error, request, log: context.log).response(to: request)
        }
        response.setRate(rate)
        return response
    }

    private func carryOut(_ call: Call) async throws -> Response {
        switch operation.style {
        case .read(let body): try await context.database.run { try body(call, $0) }.response
        case .change(let prepare): try await change(call, prepare)
        case .direct(let body): try await body(call)
        }
    }

    private func change(_ call: Call, _ prepare: @Sendable (Call) async throws -> Operation.Body) async throws -> Response {
        let idempotent = try IdempotentCalls.request(of: call)
        // With a key, what fails before the transaction is thrown inside it: a repetition gets the first answer although, say, a name no longer resolves.
        let prepared: Result<Operation.Body, any Error>
        do {
            prepared = .success(try await prepare(call))
        } catch {
            guard idempotent != nil else { throw error }
            prepared = .failure(error)
        }
        guard let idempotent else {
            let body = try prepared.get()
            return try await context.database.transaction { try body($0) }.response
        }
        return try await IdempotentCalls.run(idempotent, in: context) { try prepared.get()($0) }
    }
}
