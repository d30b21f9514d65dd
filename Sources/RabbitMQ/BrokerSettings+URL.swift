extension BrokerSettings {
    /// Reads `amqp://user:password@host:port/vhost?heartbeat=20`; user, password, host and vhost are percent-decoded.
    ///
    /// Without a path, or with the bare `/`, the virtual host is `/`. Of the query we know `heartbeat` (seconds), `connection_timeout` (milliseconds)
    /// and `cacertfile`, as in the broker's own clients (rabbitmq.com, URI query parameters); an unknown one is an error.
    ///
    /// - Throws: `BrokerError` of kind `invalidSettings`; its message never holds a part of the URL that may be secret.
    package init(url: String) throws(BrokerError) {
        self.init()
        var rest = Substring(url)
        if rest.hasPrefix("amqps://") {
            usesTLS = true
            port = 5671
            rest = rest.dropFirst(8)
        } else if rest.hasPrefix("amqp://") {
            rest = rest.dropFirst(7)
        } else {
            throw Self.invalid("the URL must begin with amqp:// or amqps://")
        }
        if let mark = rest.firstIndex(of: "#") { rest = rest[..<mark] }
        if let mark = rest.firstIndex(of: "?") {
            try readQuery(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        if let slash = rest.firstIndex(of: "/") {
            let path = rest[rest.index(after: slash)...]
            if path.contains("/") { throw Self.invalid("a slash inside the virtual host must be written %2F") }
            if !path.isEmpty { virtualHost = try Self.decoded(path, "virtual host") }
            rest = rest[..<slash]
        }
        if let at = rest.lastIndex(of: "@") {
            try readCredentials(rest[..<at])
            rest = rest[rest.index(after: at)...]
        }
        try readAddress(rest)
    }

    private mutating func readCredentials(_ text: Substring) throws(BrokerError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        user = try Self.decoded(parts[0], "user")
        if parts.count == 2 { password = try Self.decoded(parts[1], "password") }
    }

    private mutating func readAddress(_ text: Substring) throws(BrokerError) {
        var name = text
        var digits: Substring?
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { throw Self.invalid("an IPv6 address must end with ]") }
            name = text[text.index(after: text.startIndex)..<end]
            let tail = text[text.index(after: end)...]
            if tail.hasPrefix(":") {
                digits = tail.dropFirst()
            } else if !tail.isEmpty {
                throw Self.invalid("only a port may follow the ] of an IPv6 address")
            }
        } else if let colon = text.firstIndex(of: ":") {
            name = text[..<colon]
            digits = text[text.index(after: colon)...]
        }
        host = try Self.decoded(name, "host")
        if host.isEmpty { throw Self.invalid("the host is missing") }
        if let digits {
            guard let number = UInt16(digits), number > 0 else { throw Self.invalid("the port must be a number from 1 to 65535") }
            port = number
        }
    }

    private mutating func readQuery(_ text: Substring) throws(BrokerError) {
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count == 2 ? parts[1] : ""
            switch parts[0] {
            case "heartbeat":
                guard let seconds = UInt16(value) else { throw Self.invalid("heartbeat must be whole seconds, at most 65535") }
                heartbeatSeconds = seconds
            case "connection_timeout":
                guard let milliseconds = UInt32(value), milliseconds > 0 else { throw Self.invalid("connection_timeout must be whole milliseconds") }
                connectTimeout = .milliseconds(milliseconds)
            case "cacertfile": certificateAuthorities = try Self.decoded(value, "cacertfile")
            default: throw Self.invalid("unknown parameter in the query; known are heartbeat, connection_timeout and cacertfile")
            }
        }
    }

    private static func decoded(_ text: Substring, _ part: String) throws(BrokerError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(nibble), let low = rest.popFirst().flatMap(nibble) else {
                throw invalid("\(part): a % must be followed by two hexadecimal digits")
            }
            bytes.append(high << 4 | low)
        }
        // C would end the text there.
        if bytes.contains(0) { throw invalid("\(part): a zero byte is not allowed") }
        guard let decoded = String(validating: bytes, as: UTF8.self) else { throw invalid("\(part): not UTF-8") }
        return decoded
    }

    private static func nibble(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    private static func invalid(_ message: String) -> BrokerError {
        BrokerError(.invalidSettings, "read broker URL", message)
    }
}
