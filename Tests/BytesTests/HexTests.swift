import Bytes
import Testing

@Suite struct HexTests {
    @Test func `bytes are written in lower case`() {
        #expect(Hex.encode([0x00, 0x0F, 0xA5, 0xFF]) == "000fa5ff")
        #expect(Hex.encode([]) == "")
    }

    @Test func `every byte reads back in either case`() {
        let all = Array(UInt8.min...UInt8.max)
        #expect(Hex.decode(Hex.encode(all)) == all)
        #expect(Hex.decode(Hex.encode(all).uppercased()) == all)
    }

    @Test(arguments: ["0", "0g", "g0", "0x00", " 00", "00 ", "0\u{FF10}"])
    func `anything else is refused`(text: String) {
        #expect(Hex.decode(text) == nil)
    }
}
