extension HTTPClient {
    package struct Settings: Sendable {
        /// What the `User-Agent` header says unless a request says otherwise.
        package var userAgent = "Millrace"
        /// What a tenant's URL may look like.
        package var urlRules = GuardedURL.Rules()
        /// The certificate authorities that are believed, as a PEM file.
        package var certificateAuthorities = "/etc/ssl/certs/ca-certificates.crt"
        /// How many connections are kept open, in use or not; the oldest idle one is closed first.
        package var keptConnections = 1024
        /// How long a connection may idle before it is not used again; below what load balancers in front of servers allow (60 s is usual).
        package var idleLifetime: Duration = .seconds(50)
        /// How many names are looked up at once; one that does not answer holds a thread as long as the system's resolver waits.
        package var lookupLanes = 16
        /// How long a request waits for a name at most.
        package var lookupTimeout: Duration = .seconds(5)
        /// How long an answer of the name service, good or bad, is used again; every use of it is judged anew.
        package var lookupLifetime: Duration = .seconds(10)

        package init() {}
    }
}
