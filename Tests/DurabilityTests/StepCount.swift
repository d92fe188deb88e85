import CodexStore
import Synchronization

/// Counts the steps of the protocol that a store of this process passes.
final class StepCount: Sendable {
    private let counts = Mutex<[ProtocolStep: Int]>([:])

    func reached(_ step: ProtocolStep) { counts.withLock { $0[step, default: 0] += 1 } }

    subscript(step: ProtocolStep) -> Int { counts.withLock { $0[step] ?? 0 } }
}
