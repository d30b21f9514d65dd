import JSON
import Testing

@Suite struct PatternTests {
    static let cases: [(pattern: String, matching: [String], other: [String])] = [
        ("", ["", "x"], []),
        ("b", ["b", "abc"], ["", "ac"]),
        ("^ab$", ["ab"], ["xab", "abx", "", "a"]),
        ("^$", [""], ["a"]),
        ("^a?b*c+$", ["c", "abc", "bbbccc"], ["a", "aab", "ab"]),
        ("^[a-z0-9_-]{2,4}$", ["ab", "a-9_"], ["a", "abcde", "AB"]),
        ("^\\d{3}$", ["123"], ["12", "1234", "12a", "１２３"]),
        ("^a{2,}$", ["aa", "aaaa"], ["a"]),
        ("^[^a-c]$", ["d", "é", "😀"], ["a", "b", ""]),
        ("^.$", ["a", "é", "😀"], ["\n", "ab"]),
        ("^\\w+\\.\\w+$", ["a.b"], ["ab", "a b"]),
        ("^(foo|bar|)x$", ["foox", "barx", "x"], ["foo", "bazx"]),
        ("^[a-z]+(\\.[a-z]+)*$", ["plan", "plan.purchase", "a.b.c"], ["plan.", ".a", "a..b"]),
        ("^(?:a|b){2}$", ["ab", "ba"], ["a", "abc"]),
        ("^[À-ÿ]+$", ["éÀ"], ["e"]),
        ("^[ -é]$", ["a", "é", "\u{7f}", "\u{80}"], ["\t", "ê"]),
        ("a|^b", ["xa", "b"], ["xb"]),
        ("^[\\]\\\\\\d-]+$", ["]\\5-"], ["a"]),
        ("\\s", [" ", "a\tb"], ["ab"]),
        ("^\\S\\D\\W$", ["ab-"], [" b-", "a1-", "abc"]),
        ("x$|^y", ["ax", "ya"], ["xa"]),
        ("^(a*)*$", ["", "aaa"], ["b"]),
        ("^(a{0,2}){2}$", ["", "aaaa"], ["aaaaa"]),
    ]

    @Test(arguments: cases) func `patterns match what they say`(pattern: String, matching: [String], other: [String]) throws {
        let compiled = try Pattern(pattern)
        for text in matching { #expect(compiled.matches(text), "\(pattern) matches \(text)") }
        for text in other { #expect(!compiled.matches(text), "\(pattern) does not match \(text)") }
    }

    @Test(arguments: [
        "(", ")", "(a", "a)", "[", "[]", "[a", "[z-a]", "*a", "a**", "a+?", "a{", "a{2", "a{3,2}", "a{1001}", "(?=a)", "(?<n>a)", "\\b", "\\1",
        "\\p{L}", "\\",
        "^*", "a{1000}{1000}", "((a{1000}){1000}){1000}", "[[:alpha:]]", "x{0,1000}y{0,1000}z{0,1000}",
    ])
    func `what is outside of the subset is refused`(pattern: String) {
        #expect(throws: PatternError.self) { try Pattern(pattern) }
    }

    @Test func `the pattern that ruins backtracking engines takes linear time`() throws {
        let text = String(repeating: "a", count: 5_000) + "b"
        for pattern in ["^(a+)+$", "^(a|a)*$", "^(a*)*c$", "(((a{0,9}){0,9}){0,9})c"] {
            #expect(try !Pattern(pattern).matches(text))
        }
        #expect(throws: Never.self) { try Pattern("((((){1000}){1000}){1000}){1000}") }
    }
}
