extension MillraceSettings {
    /// Reads the settings of a process that plays these roles, or throws every mistake at once.
    package static func read(
        for roles: Set<Role> = [], overrides: [(key: String, text: String)] = [], environment: [String: String] = ProcessEnvironment.current,
        configuration: String? = nil, reader: SettingsReader = SettingsReader(table: table)
    ) throws(SettingsError) -> MillraceSettings {
        let names = Role.allCases.filter(roles.contains).map(\.rawValue)
        let values = try reader.read(roles: names, overrides: overrides, environment: environment, configuration: configuration)
        return try MillraceSettings(values)
    }

    /// Typed settings out of values of the table; what two settings ask of each other is checked here.
    package init(_ values: SettingValues) throws(SettingsError) {
        var mistakes: [SettingsError.Mistake] = []
        guard let databaseURL = values.url("database.url") else { throw SettingsError([.init("database.url", nil, "is required")]) }
        database = Database(
            url: databaseURL, lanes: values.int("database.lanes"), connectTimeout: values.duration("database.connectTimeout"),
            statementTimeout: values.duration("database.statementTimeout"))
        broker = Broker(url: values.url("amqp.url"), prefix: values.string("amqp.prefix") ?? "", heartbeat: values.duration("amqp.heartbeat"))
        api = API(
            address: values.string("api.address") ?? "", port: values.int("api.port"), threads: values.int("api.threads"),
            publicURL: values.url("api.publicURL"), trustedProxies: values.list("api.trustedProxies"), origins: values.list("api.origins"),
            secureCookies: values.bool("api.secureCookies"), rateLimit: values.int("api.rateLimit"), loginRateLimit: values.int("api.loginRateLimit"),
            bodyLimit: values.size("api.bodyLimit"), connections: values.int("api.connections"), idleTimeout: values.duration("api.idleTimeout"),
            tls: Self.tls(values, &mistakes))
        security = Security(
            encryptionKeys: values.secret("security.encryptionKeys"), tokenKey: values.secret("security.tokenKey"),
            passwordCost: values.int("security.passwordCost"), sessionLifetime: values.duration("security.sessionLifetime"))
        webhook = Webhook(
            allowedNetworks: values.list("webhook.allowedNetworks"), timeout: values.duration("webhook.timeout"),
            requireHTTPS: values.bool("webhook.requireHTTPS"),
            disableAfterFailures: values.int("webhook.disableAfterFailures"), disableAfter: values.duration("webhook.disableAfter"))
        worker = Worker(queues: values.list("worker.queues"), grace: values.duration("worker.grace"))
        relay = Relay(batch: values.int("relay.batch"), window: values.int("relay.window"))
        scheduler = Scheduler(rescueAfter: values.duration("scheduler.rescueAfter"), frozenAfter: values.duration("scheduler.frozenAfter"))
        retention = Retention(
            deliveryLogs: values.duration("retention.deliveryLogs"),
            upstreamRequests: values.duration("retention.upstreamRequests"), idempotency: values.duration("retention.idempotency"),
            sessions: values.duration("retention.sessions"))
        log = Log(level: values.string("log.level") ?? "", format: values.string("log.format") ?? "")
        metrics = Metrics(address: values.string("metrics.address") ?? "", port: values.int("metrics.port"))
        definitions = Definitions(directory: values.string("definitions.directory"))
        self.values = values

        if scheduler.frozenAfter <= scheduler.rescueAfter {
            let source = values["scheduler.frozenAfter"]?.source
            mistakes.append(.init("scheduler.frozenAfter", source, "expected more than scheduler.rescueAfter"))
        }
        guard mistakes.isEmpty else { throw SettingsError(mistakes) }
    }

    private static func tls(_ values: SettingValues, _ mistakes: inout [SettingsError.Mistake]) -> TLS? {
        switch (values.string("api.tlsCertificate"), values.string("api.tlsKey")) {
        case (let certificate?, let key?): return TLS(certificate: certificate, key: key)
        case (nil, nil): return nil
        case (nil, _): mistakes.append(.init("api.tlsCertificate", nil, "is required beside api.tlsKey"))
        case (_, nil): mistakes.append(.init("api.tlsKey", nil, "is required beside api.tlsCertificate"))
        }
        return nil
    }
}
