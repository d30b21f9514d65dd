import Glibc
import Lanes
import Testing

@Suite struct ThreadTests {
    @Test func `the body runs on a thread of its own, with its name`() {
        let answers = Mailbox<(thread: pthread_t, name: String)>()
        let thread = Thread("a-rather-long-name") {
            answers.put((pthread_self(), ThreadTests.ownName()))
        }
        let answer = answers.take(timeout: .seconds(30))
        #expect(answer?.name == "a-rather-long-n")
        #expect(answer?.thread != pthread_self())
        #expect(thread.join(timeout: .seconds(30)))
    }

    @Test func `join waits for the body, or until the time is over`() {
        let gate = Mailbox<Never>()
        let done = Counter()
        let thread = Thread("gated") {
            _ = gate.take()
            done.add()
        }
        #expect(!thread.join(timeout: .milliseconds(20)))
        #expect(!thread.join(timeout: .zero))
        #expect(done.value == 0)
        gate.close()
        #expect(thread.join(timeout: .seconds(30)))
        #expect(done.value == 1)
        #expect(thread.join())
    }

    @Test func `after join nothing that the body captured is alive`() {
        final class Witness: Sendable {}
        for _ in 0..<200 {
            var captured: Witness? = Witness()
            weak let witness = captured
            let thread = Thread("capturing") { [captured] in withExtendedLifetime(captured) {} }
            captured = nil
            #expect(thread.join(timeout: .seconds(30)))
            #expect(witness == nil)
        }
    }

    @Test func `a thread that nobody holds runs to its end`() {
        let answers = Mailbox<Int>()
        let gate = Mailbox<Never>()
        do {
            _ = Thread("alone") {
                _ = gate.take()
                answers.put(1)
            }
        }
        gate.close()
        #expect(answers.take(timeout: .seconds(30)) == 1)
    }

    /// The calling thread's name as the kernel knows it.
    private static func ownName() -> String {
        guard let file = fopen("/proc/thread-self/comm", "r") else { return "" }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = fread(&buffer, 1, buffer.count, file)
        return String(decoding: buffer[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
}
