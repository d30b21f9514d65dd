internal import Foundation

/// Something that a person must correct, at the line where they find it.
struct Mistake: Error, CustomStringConvertible {
    let file: URL
    let line: Int
    let message: String

    var description: String { "\(file.path):\(line): error: \(message)" }
}

/// All mistakes of one run: a person corrects them in one go.
struct Mistakes: Error {
    var all: [Mistake] = []

    /// Runs `body`, collects its mistakes, and answers nil if it had any.
    @discardableResult
    mutating func collect<Value>(_ body: () throws -> Value) throws -> Value? {
        do {
            return try body()
        } catch let mistake as Mistake {
            all.append(mistake)
        } catch let mistakes as Mistakes {
            all += mistakes.all
        }
        return nil
    }

    func throwIfAny() throws {
        if !all.isEmpty { throw self }
    }
}
