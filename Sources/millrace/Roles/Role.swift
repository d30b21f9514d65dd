/// A part of the platform that runs until it is told to stop.
protocol Role: Sendable {
    var name: String { get }
    func start() async throws
    /// Takes nothing new, finishes what is in hand within its grace, ends. False when something had to be left.
    func stop() async -> Bool
}
