import HTTPClient

/// URLs as people and attackers write them.
enum URLCorpus {
    /// Refused by reading alone.
    static let malformed: [(String, GuardedURL.Problem)] = [
        ("", .empty),
        // Schemes
        ("example.com", .scheme), ("//example.com/", .scheme), ("/path", .scheme), ("http:", .scheme), ("http:/example.com", .scheme),
        ("http:example.com", .scheme),
        ("ftp://example.com/", .scheme), ("file:///etc/passwd", .scheme), ("gopher://example.com/", .scheme), ("dict://example.com/", .scheme),
        ("ldap://example.com/", .scheme), ("smb://example.com/", .scheme), ("tftp://example.com/", .scheme), ("ws://example.com/", .scheme),
        ("javascript:alert(1)", .scheme), ("data:text/plain,x", .scheme), ("jar:http://example.com!/", .scheme), ("httpss://example.com/", .scheme),
        ("xhttp://example.com/", .scheme), ("http+unix://example.com/", .scheme), ("unix:///var/run/docker.sock", .scheme),
        ("netdoc:///etc/hosts", .scheme),
        // Characters
        (" http://example.com/", .space), ("http://example.com/ ", .space), ("http://exam ple.com/", .space), ("http://example.com/a b", .space),
        ("http://example.com/\r\nX: y", .controlCharacter), ("http://example.com/\n", .controlCharacter),
        ("http://example.com/\t", .controlCharacter),
        ("http://exa\u{0}mple.com/", .controlCharacter), ("ht\ntp://example.com/", .controlCharacter),
        ("http://example.com\u{7F}/", .controlCharacter),
        ("http://example.com/?a=\r\n", .controlCharacter), ("http://127.0.0.1\u{0}.example.com/", .controlCharacter),
        ("http://exämple.com/", .notASCII), ("http://example.com/ä", .notASCII), ("http://①②⑦.⓪.⓪.①/", .notASCII), ("http://１２７.0.0.1/", .notASCII),
        ("http://127。0。0。1/", .notASCII), ("http://example.com\u{200B}/", .notASCII), ("http://ⓛocalhost/", .notASCII),
        ("http://ｌocalhost/", .notASCII),
        ("\u{FEFF}http://example.com/", .notASCII),
        ("http://example.com\\@127.0.0.1/", .forbiddenCharacter), ("http:\\\\example.com\\", .forbiddenCharacter),
        ("http://127.0.0.1\\.example.com/", .forbiddenCharacter),
        ("http://example.com/<x>", .forbiddenCharacter), ("http://example.com/\"", .forbiddenCharacter),
        ("http://example.com/#", .fragment), ("http://example.com/#part", .fragment), ("http://127.0.0.1#.example.com/", .fragment),
        ("http://example.com#@127.0.0.1/", .fragment),
        // Users
        ("http://user@example.com/", .userInformation), ("http://user:password@example.com/", .userInformation),
        ("http://@example.com/", .userInformation),
        ("http://:@example.com/", .userInformation), ("http://example.com@127.0.0.1/", .userInformation),
        ("http://example.com:80@127.0.0.1/", .userInformation),
        ("http://127.0.0.1@example.com/", .userInformation), ("http://a@b@c/", .userInformation),
        ("https://example.com%40@127.0.0.1/", .userInformation),
        // Hosts
        ("http://", .noHost), ("http:///", .noHost), ("http://?a", .noHost), ("http://:80/", .noHost), ("http://./", .noHost),
        ("http:////example.com/", .noHost),
        ("http://../", .hostName), ("http://a..b/", .hostName), ("http://example.com../", .hostName), ("http://.example.com/", .hostName),
        ("http://-example.com/", .hostName), ("http://example-.com/", .hostName), ("http://exa,mple.com/", .hostName),
        ("http://exa!mple.com/", .hostName),
        ("http://*.example.com/", .hostName), ("http://exam$ple.com/", .hostName), ("http://(example).com/", .hostName), ("http://a|b/", .hostName),
        ("http://a;b/", .hostName), ("http://a&b/", .hostName), ("http://a=b/", .hostName), ("http://`id`/", .hostName),
        ("http://{a,b}.com/", .hostName),
        ("http://\(String(repeating: "a", count: 64)).com/", .hostName), ("http://\(String(repeating: "abc.", count: 64))com/", .hostTooLong),
        ("http://%31%32%37.0.0.1/", .encodedHost), ("http://127.0.0.1%00.example.com/", .encodedHost), ("http://example%2ecom/", .encodedHost),
        ("http://example.com%2f@127.0.0.1", .userInformation), ("http://%6c%6f%63%61%6c%68%6f%73%74/", .encodedHost),
        ("http://example.com%/", .encodedHost),
        // Numbers
        ("http://2130706433/", .numericHost), ("http://0/", .numericHost), ("http://1/", .numericHost), ("http://017700000001/", .numericHost),
        ("http://0x7f000001/", .numericHost), ("http://0X7F000001/", .numericHost), ("http://0x/", .numericHost), ("http://127.1/", .numericHost),
        ("http://127.0.1/", .numericHost), ("http://0177.0.0.1/", .numericHost), ("http://0x7f.0.0.1/", .numericHost),
        ("http://0x7f.1/", .numericHost),
        ("http://127.0.0.01/", .numericHost), ("http://127.000.000.001/", .numericHost), ("http://127.0.0.0x1/", .numericHost),
        ("http://256.0.0.1/", .numericHost),
        ("http://127.0.0.1.1/", .numericHost), ("http://1.2.3.4.5/", .numericHost), ("http://127.0.0.256/", .numericHost),
        ("http://4294967297/", .numericHost),
        ("http://169.254.43518/", .numericHost), ("http://0xa9fea9fe/", .numericHost), ("http://0251.0376.0251.0376/", .numericHost),
        ("http://2852039166/", .numericHost), ("http://169.16689662/", .numericHost), ("http://example.com.1/", .numericHost),
        ("http://example.0x1/", .numericHost),
        ("http://127.1./", .numericHost), ("http://2130706433./", .numericHost), ("http://-1/", .hostName), ("http://+127.0.0.1/", .numericHost),
        // IPv6
        ("http://::1/", .brackets), ("http://::1:80/", .brackets), ("http://[::1/", .brackets), ("http://::1]/", .brackets),
        ("http://[]/", .brackets),
        ("http://[::1]x/", .brackets), ("http://[::1].example.com/", .brackets), ("http://[::1]]/", .brackets), ("http://[[::1]]/", .brackets),
        ("http://[127.0.0.1]/", .brackets), ("http://[example.com]/", .brackets), ("http://[:::]/", .brackets), ("http://[1::2::3]/", .brackets),
        ("http://[12345::]/", .brackets), ("http://[::ffff:127.1]/", .brackets), ("http://[::ffff:0177.0.0.1]/", .brackets),
        ("http://[v1.x]/", .brackets),
        ("http://[fe80::1%25eth0]/", .zone), ("http://[fe80::1%eth0]/", .zone), ("http://[::1%25lo]:80/", .zone),
        // Ports
        ("http://example.com:/", .port), ("http://example.com:0/", .port), ("http://example.com:00080/", .port), ("http://example.com:65536/", .port),
        ("http://example.com:99999999999/", .port), ("http://example.com:-1/", .port), ("http://example.com:+80/", .port),
        ("http://example.com:8a/", .port),
        ("http://example.com:0x50/", .port), ("http://[2606:4700::1111]:/", .port), ("http://example.com:80:80/", .brackets),
        ("http://example.com:22/", .portNotAllowed(22)), ("http://example.com:25/", .portNotAllowed(25)),
        ("http://example.com:21/", .portNotAllowed(21)),
        ("http://example.com:23/", .portNotAllowed(23)), ("http://example.com:110/", .portNotAllowed(110)),
        ("http://example.com:1/", .portNotAllowed(1)),
        ("http://example.com:79/", .portNotAllowed(79)), ("http://example.com:81/", .portNotAllowed(81)),
        ("http://example.com:442/", .portNotAllowed(442)),
        ("http://example.com:444/", .portNotAllowed(444)), ("http://example.com:514/", .portNotAllowed(514)),
        ("http://example.com:1023/", .portNotAllowed(1023)),
        ("http://example.com/\(String(repeating: "a", count: 2048))", .tooLong(limit: 2048)),
    ]

    /// Well written, with an address that leads inside; `AddressCorpus` in URL form and the forms that only URLs have.
    static var inward: [String] {
        let literals = AddressCorpus.refused.map(\.0)
        return literals.map { $0.contains(":") ? "http://[\($0)]/" : "http://\($0)/" }
            + literals.map { $0.contains(":") ? "https://[\($0)]:8443/hook?a=b" : "https://\($0):8443/hook?a=b" }
            + [
                "HTTP://127.0.0.1/", "http://127.0.0.1./", "http://127.0.0.1:80", "http://127.0.0.1?x", "http://169.254.169.254/latest/meta-data/",
                "http://[0:0:0:0:0:0:0:1]/", "http://[0000:0000:0000:0000:0000:0000:0000:0001]/", "http://[::FFFF:7F00:1]/",
                "http://[::ffff:7f00:0001]/",
                "http://[0:0:0:0:0:ffff:127.0.0.1]/", "http://[::ffff:a9fe:a9fe]/", "http://[64:ff9b::a9fe:a9fe]/", "http://[2002:a9fe:a9fe::]/",
            ]
    }

    /// Read as (host, port, target, normal form).
    static let wellFormed: [(String, String, UInt16, String, String)] = [
        ("http://example.com", "example.com", 80, "/", "http://example.com/"),
        ("https://example.com/", "example.com", 443, "/", "https://example.com/"),
        ("HTTPS://EXAMPLE.com/Path?Query=A", "example.com", 443, "/Path?Query=A", "https://example.com/Path?Query=A"),
        ("https://example.com.", "example.com", 443, "/", "https://example.com/"),
        ("https://example.com.:8443/x", "example.com", 8443, "/x", "https://example.com:8443/x"),
        ("http://example.com:80/", "example.com", 80, "/", "http://example.com/"),
        ("http://example.com:443/", "example.com", 443, "/", "http://example.com:443/"),
        ("http://example.com:1024/", "example.com", 1024, "/", "http://example.com:1024/"),
        ("http://example.com:65535/", "example.com", 65535, "/", "http://example.com:65535/"),
        ("https://example.com?a=b&c=%20", "example.com", 443, "/?a=b&c=%20", "https://example.com/?a=b&c=%20"),
        ("https://example.com/a/../b//c/./d", "example.com", 443, "/a/../b//c/./d", "https://example.com/a/../b//c/./d"),
        ("https://example.com/@user:x?@y", "example.com", 443, "/@user:x?@y", "https://example.com/@user:x?@y"),
        ("https://a_b.example.com/", "a_b.example.com", 443, "/", "https://a_b.example.com/"),
        ("https://xn--exmple-cua.com/", "xn--exmple-cua.com", 443, "/", "https://xn--exmple-cua.com/"),
        ("https://1.example.com/", "1.example.com", 443, "/", "https://1.example.com/"),
        ("https://0x7f.example/", "0x7f.example", 443, "/", "https://0x7f.example/"),
        ("https://a.b-c.d1/", "a.b-c.d1", 443, "/", "https://a.b-c.d1/"),
        ("https://localhost/", "localhost", 443, "/", "https://localhost/"),
        ("http://8.8.8.8/", "8.8.8.8", 80, "/", "http://8.8.8.8/"),
        ("http://8.8.8.8.:8080/", "8.8.8.8", 8080, "/", "http://8.8.8.8:8080/"),
        ("http://[2606:4700:0:0::1111]:8080/x", "[2606:4700::1111]", 8080, "/x", "http://[2606:4700::1111]:8080/x"),
        (
            "https://example.com/%2e%2e/[x]{y}|z^`~!$&'()*+,;=", "example.com", 443, "/%2e%2e/[x]{y}|z^`~!$&'()*+,;=",
            "https://example.com/%2e%2e/[x]{y}|z^`~!$&'()*+,;="
        ),
    ]
}
