internal import Dispatch
internal import Foundation

/// The threads that all stores of the process share.
///
/// A thread runs one body from its beginning to its end: LMDB wants a write transaction begun, used
/// and ended by one thread, which Swift's tasks do not promise. Bodies may block, and may wait for
/// other bodies. So none waits for a thread: where none is idle, one is started. A thread that was
/// idle for some seconds ends.
enum WorkerPool {
    /// A thread that is idle, and what it runs next.
    private final class Worker: Sendable {
        let next = Locked<(@Sendable () -> Void)?>(nil)
        let alarm = DispatchSemaphore(value: 0)
    }

    /// The threads that wait, the one that was at work last at the end.
    private static let idle = Locked<[Worker]>([])
    /// How long a thread waits for something to run.
    private static let idleTimeout = DispatchTimeInterval.seconds(5)

    /// Runs `body` on a thread that does nothing else meanwhile.
    static func run(_ body: @escaping @Sendable () -> Void) {
        guard let worker = idle.withLock({ $0.popLast() }) else { return startThread(body) }
        worker.next.withLock { $0 = body }
        worker.alarm.signal()
    }

    private static func startThread(_ body: @escaping @Sendable () -> Void) {
        let thread = Thread {
            body()
            runNext(Worker())
        }
        thread.name = "codex.worker"
        // Users' closures run here: give them the stack that a main thread has.
        thread.stackSize = 8 << 20
        thread.start()
    }

    private static func runNext(_ worker: Worker) {
        repeat {
            idle.withLock { $0.append(worker) }
        } while runOne(worker)
    }

    /// Runs what the worker is given; returns `false` if that is nothing for a while.
    private static func runOne(_ worker: Worker) -> Bool {
        if worker.alarm.wait(timeout: .now() + idleTimeout) == .timedOut {
            if leaveIdle(worker) { return false }
            // It was taken at that moment.
            worker.alarm.wait()
        }
        let body = worker.next.withLock { next in
            defer { next = nil }
            return next
        }
        body?()
        return true
    }

    /// Takes a worker out that nobody took.
    private static func leaveIdle(_ worker: Worker) -> Bool {
        idle.withLock { idle in
            guard let place = idle.firstIndex(where: { $0 === worker }) else { return false }
            idle.remove(at: place)
            return true
        }
    }

    /// A number that identifies the calling thread while it lives.
    static var currentThread: UInt {
        #if canImport(Darwin)
            UInt(bitPattern: pthread_self())
        #else
            UInt(pthread_self())
        #endif
    }
}
