internal import Crypto
internal import HTTPClient
internal import Postgres
internal import Settings

/// Makes demo data and runs the main job in front of the user, over the running API, as a reseller would.
enum DemoCommand: Command {
    static let name = "demo"
    static let summary = "make demo data and show the main job against the running platform, step by step"
    static let usage = "[--state FOLDER]   where the demo's passwords are kept (default: the current folder)"
    static let options = ["--state"]

    static func run(_ arguments: Arguments) throws {
        let platform = try Platform(arguments, roles: [.api])
        var secrets = try DemoSecrets(folder: arguments.value("--state") ?? ".")
        try OperatorAccount.ensure(platform, username: DemoSecrets.admin, password: secrets.password(of: DemoSecrets.admin))
        let api = platform.settings.api
        let base = "http://\(api.address.contains(":") ? "[\(api.address)]" : api.address):\(api.port)"
        let adminPassword = secrets.password(of: DemoSecrets.admin)
        let resellerPassword = secrets.password(of: DemoSecrets.reseller)
        try secrets.save()
        let http = try platform.http()
        defer { http.stop() }
        try blocking {
            let tour = DemoTour(
                client: DemoClient(base: base, http: http), adminPassword: adminPassword, resellerPassword: resellerPassword, story: Story())
            try await tour.run()
        }
        Output.line()
        Output.line("  API          \(base)/api/v1      documentation \(base)/docs")
        Output.line("  health       \(base)/healthz  \(base)/readyz  \(base)/metrics")
        Output.line("  admin        \(DemoSecrets.admin)  \(adminPassword)")
        Output.line("  reseller     \(DemoSecrets.reseller)  \(resellerPassword)")
    }
}
