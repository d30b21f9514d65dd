internal import HTTPServer
internal import JSON

/// `/docs`: the description for people, one page made at start from the contract.
///
/// No script, no outside resource; it works in any browser and in `w3m`.
struct DocumentationPage: Sendable {
    private let page: [UInt8]

    init(_ contract: Contract) {
        page = Array(DocumentationText(contract).html.utf8)
    }

    func add(to router: inout Router) {
        router.add(.get, "/docs") { _ in
            var response = Response(200, headers: ["Content-Type": "text/html; charset=utf-8"], body: .bytes(page)).tagged()
            response.headers["Content-Security-Policy"] =
                "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
            response.headers["Cache-Control"] = "public, max-age=300"
            return response
        }
        router.add(.get, "/docs.css") { _ in
            var response = Response.text(DocumentationText.style, type: "text/css; charset=utf-8").tagged()
            response.headers["Cache-Control"] = "public, max-age=300"
            return response
        }
    }
}
