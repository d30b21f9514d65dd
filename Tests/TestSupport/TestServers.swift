internal import Glibc
package import Telemetry

/// Where the private servers of a test run are; `bin/test` starts them and sets the variables.
package enum TestServers {
    /// A `postgresql://` URL of a superuser.
    package static func postgres() throws -> String { try url("MILLRACE_TEST_POSTGRES") }

    /// An `amqp://` URL.
    package static func rabbitMQ() throws -> String { try url("MILLRACE_TEST_AMQP") }

    /// A Python that has the packages of `Tests/SystemTests/Foreign/requirements.txt`.
    package static func python() throws -> String { try url("MILLRACE_TEST_PYTHON") }

    private static func url(_ variable: String) throws -> String {
        guard let value = getenv(variable) else { throw MissingServer(variable: variable) }
        return String(cString: value)
    }
}

/// Silent, unless somebody looks for what went wrong with `MILLRACE_TEST_LOG=1`.
package enum TestLog {
    package static var logger: Logger { getenv("MILLRACE_TEST_LOG") == nil ? .silent : Logger("test", sink: LogFormat.text.standardError) }
}

/// The test needs a server that nobody started.
package struct MissingServer: Error, CustomStringConvertible {
    let variable: String

    package var description: String { "\(variable) is not set; run bin/test, which starts the servers" }
}
