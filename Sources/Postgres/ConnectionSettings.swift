internal import CPostgres

/// Where the database is and how long to wait for it; every blocking call of a connection is bounded by something in here.
///
/// The timeouts travel as `options` of the start message, so they hold from the first statement on. A pooler in between must pass them on
/// (pgbouncer: session mode, 1.20 or later). Options in the URL win over ours.
package struct ConnectionSettings: Sendable {
    /// What `pg_stat_activity` shows.
    package var applicationName = "millrace"
    /// How long connecting may take in all, name resolution apart.
    package var connectTimeout: Duration = .seconds(5)
    /// The server cancels a statement that runs longer; zero means never.
    package var statementTimeout: Duration = .seconds(30)
    /// The server gives up waiting for a lock after this; zero means never.
    package var lockTimeout: Duration = .seconds(5)
    /// The server ends a session that leaves a transaction open and idle for longer; zero means never.
    package var idleInTransactionTimeout: Duration = .seconds(60)

    /// Takes an index wherever there is one.
    ///
    /// For tables that are nearly empty in one hour and hold a million rows in the next: a plan that was made, and kept, in the quiet hour would read them from
    /// end to end. Without compiling, which the planner would think worth it where it has no index. And each statement is planned once: an index leads to one row
    /// as to many, and planning anew for each array of ids cost a quarter of the server's time at 500 single jobs a second.
    package var prefersIndexes = false

    /// Reads in an index's order where one has it, and never sorts instead.
    ///
    /// For sessions whose statements all take the first few of very many: a plan that sorts goes through them all.
    package var keepsIndexOrder = false

    /// A commit returns when it is on disk.
    ///
    /// Without that, a crash of the server takes back what was committed in the last half second, in the order in which it came: for sessions that find such work
    /// again and do it again.
    package var waitsForDisk = true

    /// The URL's parts under libpq's keywords, the password among them.
    private var keywords: [String: String] = [:]

    /// Reads a `postgresql://user:password@host:port/database?key=value` URL, or libpq's `key=value` form.
    ///
    /// - Throws: `invalidInput`; the message does not repeat the URL, which may hold a password.
    package init(url: String) throws(PostgresError) {
        guard let options = unsafe PQconninfoParse(url, nil) else {
            throw PostgresError(.invalidInput, message: "the connection URL cannot be read")
        }
        defer { unsafe PQconninfoFree(options) }
        var next = unsafe options
        while let keyword = unsafe next.pointee.keyword {
            if let value = unsafe next.pointee.val { unsafe keywords[String(cString: keyword)] = unsafe String(cString: value) }
            unsafe next = next.successor()
        }
    }

    /// The database's name; libpq takes the user's name when the URL has none.
    package var database: String {
        get { keywords["dbname"] ?? keywords["user"] ?? "" }
        set { keywords["dbname"] = newValue }
    }

    /// What libpq is told, ours and the URL's.
    var connectionKeywords: [(key: String, value: String)] {
        var all = [
            // A peer that vanished is found within half a minute, also when we only listen.
            "keepalives": "1", "keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3", "tcp_user_timeout": "20000",
            "application_name": applicationName,
            // Each connection would first look for a Kerberos ticket: a megabyte of libraries, for what nobody asked for. Who wants it says so in the URL.
            "gssencmode": "disable",
        ]
        all.merge(keywords) { _, url in url }
        let ours = [
            "statement_timeout": statementTimeout, "lock_timeout": lockTimeout, "idle_in_transaction_session_timeout": idleInTransactionTimeout,
        ]
        let options = ours.sorted { $0.key < $1.key }.map { "-c \($0.key)=\($0.value.wholeMilliseconds)" }
        var planning: [String] = prefersIndexes ? ["-c enable_seqscan=off", "-c jit=off", "-c plan_cache_mode=force_generic_plan"] : []
        if !waitsForDisk { planning.append("-c synchronous_commit=off") }
        if keepsIndexOrder { planning += ["-c enable_sort=off", "-c enable_bitmapscan=off"] }
        all["options"] = (options + planning + ["-c TimeZone=UTC", keywords["options"] ?? ""]).joined(separator: " ")
        all["client_encoding"] = "UTF8"
        return all.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}

extension ConnectionSettings: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String {
        let user = keywords["user"] ?? ""
        let password = keywords["password"] == nil ? "" : ":***"
        let host = keywords["host"] ?? keywords["hostaddr"] ?? ""
        let port = keywords["port"].map { ":" + $0 } ?? ""
        return "postgresql://\(user)\(password)\(user.isEmpty ? "" : "@")\(host)\(port)/\(database)"
    }

    package var debugDescription: String { description }

    /// Hides the keywords from `dump` and from string interpolation of whatever holds the settings.
    package var customMirror: Mirror { Mirror(self, children: ["url": description]) }
}

extension Duration {
    /// Milliseconds for a timeout: at least one unless zero was meant, since zero means "never" to PostgreSQL.
    var wholeMilliseconds: Int64 {
        let milliseconds = components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
        return self > .zero ? max(1, milliseconds) : 0
    }
}
