internal import Bytes
internal import Engine
internal import Postgres

extension BenchContext {
    /// Enqueues jobs in transactions of a thousand on one connection, and returns jobs per second.
    func fill(_ kind: String, jobs: Int) throws -> Double {
        let connection = try Connection(load)
        let ledger = Ledger(catalog: catalog)
        let began = monotonicNanoseconds()
        for start in stride(from: 0, to: jobs, by: 1000) {
            let batch = (start..<min(start + 1000, jobs)).map { BenchKinds.job(kind, $0, accounts: accounts, keys: keys) }
            try connection.transaction { try ledger.enqueue(batch, on: $0) }
        }
        return Double(jobs) / (Double(monotonicNanoseconds() - began) / 1e9)
    }
}
