import Dispatch
import Foundation

@testable import CodexDynamoDB

/// Counts what a request reserves and gives back, and refuses it past a limit.
final class MemoryMeter: @unchecked Sendable {
    private let lock = NSLock()
    private let limit: Int
    private var used = 0
    private var most = 0
    private var onQueue = 0

    init(limit: Int = .max) { self.limit = limit }

    /// The bytes that are reserved now.
    var byteCount: Int { lock.withLock { used } }

    /// The most bytes that were reserved at a time.
    var peak: Int { lock.withLock { most } }

    /// The bytes that were reserved by jobs of a ``QueueExecutor``.
    var byteCountOnQueue: Int { lock.withLock { onQueue } }

    func budget(executor: (any TaskExecutor)? = nil) -> RequestBudget {
        RequestBudget(
            reserve: { self.reserve($0) }, release: { self.release($0) }, executor: executor)
    }

    private func reserve(_ count: Int) -> Bool {
        lock.withLock {
            guard count <= limit - used else { return false }
            used += count
            most = max(most, used)
            if QueueExecutor.isCurrent { onQueue += count }
            return true
        }
    }

    private func release(_ count: Int) { lock.withLock { used -= count } }
}

/// Runs jobs on a queue, and counts them.
final class QueueExecutor: TaskExecutor, @unchecked Sendable {
    private let queue = DispatchQueue(label: "executor")
    private let lock = NSLock()
    private var count = 0
    private static let key = DispatchSpecificKey<Bool>()

    init() { queue.setSpecific(key: Self.key, value: true) }

    var jobCount: Int { lock.withLock { count } }

    /// Whether a job of such an executor asks.
    static var isCurrent: Bool { DispatchQueue.getSpecific(key: key) == true }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        lock.withLock { count += 1 }
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
