/// Sizes in bytes as people write them: `65536`, `64KiB`, `1MiB`.
package enum SettingSize {
    private static let units: [(name: String, shift: Int)] = [("GiB", 30), ("MiB", 20), ("KiB", 10), ("B", 0), ("", 0)]

    package static func parse(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let name = text.dropFirst(digits.count)
        guard let count = Int(digits), count <= 1 << 32, let unit = units.first(where: { $0.name == name }) else { return nil }
        return count << unit.shift
    }

    package static func text(_ bytes: Int) -> String {
        for unit in units where bytes != 0 && bytes.isMultiple(of: 1 << unit.shift) { return "\(bytes >> unit.shift)\(unit.name)" }
        return "\(bytes)B"
    }
}
