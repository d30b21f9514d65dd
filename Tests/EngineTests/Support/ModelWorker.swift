import Bytes
import Lanes
import Postgres
import TestSupport

@testable import Engine

/// A worker: what it has in hand lives here and dies with it.
final class ModelWorker {
    let core: WorkerCore
    let runner: LeasedRunner
    let settler: Settler
    let pool: LanePool<WorkLane>
    let lane: WorkLane
    let lock: Int
    var leased: [ClaimedJob] = []

    init(_ rig: EngineRig, _ settings: ConnectionSettings, lock: Int) throws {
        let running = RunningJobs()
        let identity = WorkerIdentity(
            settings: rig.settings, role: "worker", queues: ["fast"], running: running, ledger: rig.ledger, log: rig.log, onStuck: {})
        core = WorkerCore(
            ledger: rig.ledger, handlers: Dictionary(uniqueKeysWithValues: rig.handlers.map { ($0.kind, $0) }), database: rig.database,
            identity: identity, running: running, gate: SoloGate(), metrics: WorkerMetrics(rig.metrics, catalog: rig.catalog), log: rig.log,
            deathNotice: nil)
        pool = LanePool("model", count: 1) { _ in WorkLane(settings) }
        settler = Settler(core: core, pool: pool)
        runner = LeasedRunner(core: core, settler: settler)
        lane = WorkLane(settings)
        self.lock = lock
    }
}

extension Model {
    static func handlers(_ dice: Dice) -> [JobHandler] {
        let leased = LeasedTestJob { _, _ in .done() }
        let atomic = AtomicTestJob { _, context in
            let chance = dice.isCalm ? 0 : dice.roll(12)
            // A snooze is a regular return: what its run did before stays.
            if chance == 7 { return .snooze(.milliseconds(1)) }
            try context.connection.run(.once("insert into effects values ($1, 'atomic')"), context.job.id)
            switch chance {
            case 0...6: return .done()
            case 8: throw JobError(.transient, code: "transient", "again")
            case 9: throw JobError(.permanent, code: "permanent", "never")
            case 10: throw JobError(.interrupted, code: "interrupted", "off")
            default: try context.connection.script(dice.roll(2) == 0 ? "select 1/0" : "select pg_terminate_backend(pg_backend_pid())")
            }
            return .done()
        }
        return [
            .atomic("test.atomic", atomic), .atomic("test.slotted", atomic),
            // Leased runs are played step by step; these are only there to tell the style.
            .leased("test.leased", leased), .leased("test.unique", leased), .leased("test.limited", leased), .leased("test.rated", leased),
        ]
    }
}

/// What is not as it must be.
struct Broken: Error, CustomStringConvertible {
    var description: String
}
