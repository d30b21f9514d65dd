import Bytes
import Glibc

/// Another implementation's answer: what a Python program prints, which gets its arguments as hexadecimal text.
enum Python {
    static let isInstalled = run("print('yes')", []) == "yes"

    static func run(_ program: String, _ arguments: [[UInt8]]) -> String? {
        let quoted = "'" + program.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
        let command = (["python3 -c", quoted] + arguments.map { "'\(Hex.encode($0))'" }).joined(separator: " ")
        guard let pipe = popen(command, "r") else { return nil }
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case let count = fread(&buffer, 1, buffer.count, pipe), count > 0 { output += buffer[..<count] }
        guard pclose(pipe) == 0 else { return nil }
        return String(decoding: output, as: UTF8.self).split(separator: "\n").first.map(String.init)
    }
}

func bytes(_ hexadecimal: String) -> [UInt8] { Hex.decode(hexadecimal) ?? [] }
