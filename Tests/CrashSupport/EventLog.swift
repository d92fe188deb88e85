package import CodexStore
internal import Foundation
internal import TestSupport

/// The events of a store, for those who wait for one.
package final class EventLog: @unchecked Sendable {
    private let changed = NSCondition()
    // Guarded by `changed`.
    private var waiting: [StoreEvent] = []
    private var checkpointed: UInt64 = 0

    package init() {}

    package func add(_ event: StoreEvent) {
        changed.withLock {
            waiting.append(event)
            if case .checkpoint(_, let last) = event { checkpointed = max(checkpointed, last) }
            changed.broadcast()
        }
    }

    /// The first event of a case with a name that was not asked for; `nil` if none comes in time.
    package func next(_ kind: String) -> StoreEvent? {
        let deadline = Date(timeIntervalSinceNow: Double(Hang.seconds))
        return changed.withLock {
            while true {
                if let place = waiting.firstIndex(where: { Self.kind(of: $0) == kind }) {
                    return waiting.remove(at: place)
                }
                guard changed.wait(until: deadline) else { return nil }
            }
        }
    }

    /// Waits for a checkpoint that has a commit; returns whether one comes in time.
    package func waitForCheckpoint(of sequence: UInt64) -> Bool {
        let deadline = Date(timeIntervalSinceNow: Double(Hang.seconds))
        return changed.withLock {
            while checkpointed < sequence {
                guard changed.wait(until: deadline) else { return false }
            }
            return true
        }
    }

    /// Whether an event of a kind came that nobody asked for yet.
    package func contains(_ kind: String) -> Bool {
        changed.withLock { waiting.contains { Self.kind(of: $0) == kind } }
    }

    private static func kind(of event: StoreEvent) -> String {
        String("\(event)".prefix { $0 != "(" })
    }
}
