// swift-tools-version: 6.3
// The house: a target imports only lower floors (docs/concepts/house.md). SwiftPM forbids cycles, and
// `swift build --explicit-target-dependency-import-check error` forbids an undeclared import.
import PackageDescription

let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .treatAllWarnings(as: .error),
]

/// Targets that touch C or raw memory: every unsafe expression is marked, reviewers search for the word.
let door: [SwiftSetting] = house + [.strictMemorySafety()]

func floor(
    _ name: String, _ dependencies: [String] = [], settings: [SwiftSetting] = house, embeds: Bool = false, exclude: [String] = []
) -> Target {
    .target(
        name: name,
        dependencies: dependencies.map { .target(name: $0) },
        exclude: exclude,
        swiftSettings: settings,
        plugins: embeds ? ["EmbedDefinitions"] : []
    )
}

func library(_ name: String, _ pkgConfig: String, _ packages: [String]) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt(packages)])
}

func tests(_ name: String, _ dependencies: [String], exclude: [String] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies.map { .target(name: $0) }, exclude: exclude, swiftSettings: house)
}

let package = Package(
    name: "millrace",
    products: [.executable(name: "millrace", targets: ["millrace"])],
    targets: [
        // F0: doors to C, no Swift.
        library("CPostgres", "libpq", ["libpq-dev"]),
        library("CRabbitMQ", "librabbitmq", ["librabbitmq-dev"]),
        library("CCurl", "libcurl", ["libcurl4-openssl-dev"]),
        library("CMicroHTTPD", "libmicrohttpd", ["libmicrohttpd-dev"]),
        library("CZlib", "zlib", ["zlib1g-dev"]),
        library("COpenSSL", "libcrypto", ["libssl-dev"]),
        library("CCrypt", "libxcrypt", ["libcrypt-dev"]),
        .target(name: "CLinux"),

        // F1: small, pure, no business.
        floor("Bytes", ["CLinux"], settings: door),
        floor("Clocks", ["Bytes"]),
        floor("JSON", ["Bytes"]),
        floor("Settings", ["JSON"]),
        floor("Telemetry", ["Bytes", "Clocks", "JSON"]),
        floor("Lanes", ["CLinux"], settings: door),

        // F2: drivers and codecs.
        floor("Crypto", ["COpenSSL", "CCrypt", "Bytes"], settings: door),
        floor("Postgres", ["CPostgres", "CLinux", "Bytes", "Clocks", "JSON", "Lanes", "Telemetry"], settings: door),
        floor("RabbitMQ", ["CRabbitMQ", "CLinux", "Bytes", "Telemetry"], settings: door),
        floor("HTTPServer", ["CMicroHTTPD", "CZlib", "CLinux", "Bytes", "Clocks", "JSON", "Lanes", "Telemetry"], settings: door),
        floor("HTTPClient", ["CCurl", "CLinux", "Bytes", "Clocks", "Lanes", "Telemetry"], settings: door),

        // What proofs do to others: processes, proxies, chance.
        floor("Faults", ["Lanes"]),

        // F3: jobs.
        floor(
            "Engine", ["Postgres", "RabbitMQ", "Lanes", "Telemetry", "JSON", "Clocks", "Bytes", "Settings"], embeds: true,
            exclude: ["Ledger/SQL", "Limits/SQL", "Relay/SQL", "Worker/SQL", "Maintenance/SQL", "Invariants/SQL", "Migrations"]),

        // F4: the rules.
        floor(
            "Business", ["Engine", "Postgres", "Crypto", "JSON", "Clocks", "Bytes", "Settings", "Telemetry"], embeds: true,
            exclude: ["SQL", "Migrations"]),

        // F5: who calls, and who is called: thin.
        floor(
            "API",
            ["Business", "Engine", "HTTPServer", "HTTPClient", "Postgres", "Crypto", "JSON", "Clocks", "Bytes", "Settings", "Telemetry", "Lanes"],
            embeds: true, exclude: ["SQL"]),
        floor(
            "Work", ["Business", "Engine", "HTTPClient", "Postgres", "Crypto", "JSON", "Clocks", "Bytes", "Settings", "Telemetry"], embeds: true),

        // F6: one executable, every role a subcommand.
        .executableTarget(
            name: "millrace",
            dependencies: [
                "API", "Work", "Business", "Engine", "HTTPServer", "HTTPClient", "RabbitMQ", "Postgres", "Crypto", "Faults", "Lanes", "Telemetry",
                "Settings",
                "JSON", "Clocks", "Bytes",
            ],
            swiftSettings: house,
            // Relocations packed, and no table of our own symbols: a megabyte and a half that each process would read at its start and keep resident.
            linkerSettings: [
                .unsafeFlags(["-use-ld=lld", "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs", "-Xlinker", "--no-export-dynamic"])
            ]),

        // Build-time: embeds jobs/, queues/, SQL and the API description, and generates the handler registry.
        .plugin(name: "EmbedDefinitions", capability: .buildTool(), dependencies: ["embed"], path: "Sources/Plugins/EmbedDefinitions"),
        .executableTarget(name: "embed", path: "Sources/Plugins/embed", swiftSettings: house),

        // Tests: one target per target, and the fixtures that they share.
        .target(
            name: "TestSupport",
            dependencies: [
                "Business", "Engine", "Postgres", "RabbitMQ", "Crypto", "Faults", "Lanes", "Telemetry", "Settings", "JSON", "Clocks", "Bytes",
            ],
            path: "Tests/TestSupport", swiftSettings: house),
        tests("BytesTests", ["Bytes", "Faults"]),
        tests("ClocksTests", ["Clocks", "Faults"]),
        tests("JSONTests", ["JSON", "Faults"]),
        tests("SettingsTests", ["Settings", "JSON"]),
        tests("TelemetryTests", ["Telemetry", "JSON"]),
        tests("LanesTests", ["Lanes"]),
        tests("CryptoTests", ["Crypto", "Bytes"]),
        tests("PostgresTests", ["Postgres", "TestSupport", "Lanes", "JSON", "Clocks", "Bytes", "Faults"]),
        tests("RabbitMQTests", ["RabbitMQ", "TestSupport", "Bytes", "Faults"]),
        tests("HTTPServerTests", ["HTTPServer", "TestSupport", "Lanes", "JSON", "Bytes", "Telemetry", "Faults"]),
        tests("HTTPClientTests", ["HTTPClient", "HTTPServer", "TestSupport", "Lanes", "Bytes", "Telemetry", "Faults"]),
        tests("EngineTests", ["Engine", "TestSupport", "Postgres", "RabbitMQ", "Lanes", "JSON", "Clocks", "Bytes", "Telemetry", "Faults"]),
        tests("BusinessTests", ["Business", "Engine", "TestSupport", "Postgres", "Crypto", "JSON", "Clocks", "Bytes", "Faults"]),
        tests(
            "APITests",
            [
                "API", "Business", "Engine", "HTTPServer", "HTTPClient", "TestSupport", "Postgres", "Crypto", "JSON", "Clocks", "Bytes", "Telemetry",
                "Lanes", "Faults",
            ]),
        tests(
            "WorkTests",
            ["Work", "Business", "Engine", "HTTPClient", "HTTPServer", "TestSupport", "Postgres", "Crypto", "JSON", "Clocks", "Bytes", "Telemetry"]),
        tests(
            "SystemTests",
            [
                "TestSupport", "Business", "Engine", "HTTPServer", "HTTPClient", "Postgres", "RabbitMQ", "Crypto", "Lanes", "JSON", "Clocks", "Bytes",
                "Faults",
            ],
            exclude: ["Foreign"]),
        tests("HouseTests", ["JSON"]),
    ]
)
