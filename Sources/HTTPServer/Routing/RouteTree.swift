/// Routes by the segments of their patterns.
///
/// Nodes lie in an array and name their children by index, so the tree is a plain value. A segment is looked up as text first, then as a
/// parameter, then as a tail: static segments beat parameters. When the way that was taken has no route for the method, the next is tried,
/// so `GET /plans/mine` beside `DELETE /plans/{id}` does not take `DELETE /plans/mine` away.
struct RouteTree: Sendable {
    struct Match {
        let route: Int
        let parameters: Parameters
    }

    enum Outcome {
        case match(Match)
        /// The address exists, but not for this method; the methods that it takes, in the order in which they were added.
        case otherMethods([Method])
        case nothing
    }

    private struct Node {
        var texts: [String: Int] = [:]
        var parameter: Int?
        var ends: [(method: Method, route: Int, names: [String])] = []
        var tails: [(method: Method, route: Int, names: [String])] = []
    }

    private var nodes = [Node()]

    /// Adds a route; the same method and pattern a second time is a mistake in the program and stops it.
    mutating func add(_ method: Method, _ pattern: RoutePattern, route: Int) {
        var node = 0
        for segment in pattern.segments {
            switch segment {
            case .text(let text):
                let next = nodes[node].texts[text] ?? addNode()
                nodes[node].texts[text] = next
                node = next
            case .parameter:
                let next = nodes[node].parameter ?? addNode()
                nodes[node].parameter = next
                node = next
            case .tail: break
            }
        }
        let end = (method: method, route: route, names: pattern.names)
        if pattern.segments.last == .tail {
            precondition(!nodes[node].tails.contains { $0.method == method }, "there is a route \(method) \(pattern.text) already")
            nodes[node].tails.append(end)
        } else {
            precondition(!nodes[node].ends.contains { $0.method == method }, "there is a route \(method) \(pattern.text) already")
            nodes[node].ends.append(end)
        }
    }

    func find(_ method: Method, _ segments: [String]) -> Outcome {
        var search = Search(method: method, segments: segments)
        if let match = search.visit(0, depth: 0, in: nodes) { return .match(match) }
        return search.others.isEmpty ? .nothing : .otherMethods(search.others)
    }

    private mutating func addNode() -> Int {
        nodes.append(Node())
        return nodes.count - 1
    }

    private struct Search {
        let method: Method
        let segments: [String]
        var values: [String] = []
        var others: [Method] = []

        mutating func visit(_ index: Int, depth: Int, in nodes: [Node]) -> Match? {
            let node = nodes[index]
            if depth == segments.count {
                if let match = choose(node.ends, tail: []) { return match }
            } else {
                let segment = segments[depth]
                if let next = node.texts[segment], let match = visit(next, depth: depth + 1, in: nodes) { return match }
                if let next = node.parameter, !segment.isEmpty {
                    values.append(segment)
                    if let match = visit(next, depth: depth + 1, in: nodes) { return match }
                    values.removeLast()
                }
            }
            return choose(node.tails, tail: Array(segments[depth...]))
        }

        /// HEAD is answered by GET when it has no route of its own.
        private mutating func choose(_ ends: [(method: Method, route: Int, names: [String])], tail: [String]) -> Match? {
            let end = ends.first { $0.method == method } ?? (method == .head ? ends.first { $0.method == .get } : nil)
            if let end { return Match(route: end.route, parameters: Parameters(names: end.names, values: values, tail: tail)) }
            for end in ends where !others.contains(end.method) { others.append(end.method) }
            return nil
        }
    }
}
