internal import HTTPServer

/// The description of all this.
enum DocumentRoutes {
    static let operations: [String: Operation] = [
        "getContract": .direct { call in
            var response = Response.json(call.context.contract.bytes).tagged()
            response.headers["Cache-Control"] = "public, max-age=300"
            return response
        }
    ]
}
