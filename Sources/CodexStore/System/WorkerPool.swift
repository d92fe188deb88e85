internal import Dispatch
internal import Foundation

/// The threads that all stores of the process share.
///
/// A thread runs one body from its beginning to its end. LMDB requires that one thread begins, uses
/// and ends a write transaction, which Swift's tasks do not guarantee. Bodies may block, and may
/// wait for other bodies. So no body waits for a thread: if none is idle, a new one is started. A
/// thread that was idle for some seconds ends.
enum WorkerPool {
    typealias Body = @Sendable () -> Void

    /// A thread, and the body that it runs next.
    private final class Worker: Sendable {
        let next: Locked<Body?>
        let alarm = DispatchSemaphore(value: 0)

        init(_ first: @escaping Body) {
            next = Locked(first)
            alarm.signal()
        }

        /// Runs the worker's bodies, until there is none for a while.
        func run() {
            while wait() {
                let body = next.withLock { next in
                    defer { next = nil }
                    return next
                }
                body?()
            }
        }

        private func wait() -> Bool {
            if alarm.wait(timeout: .now()) == .success { return true }
            guard WorkerPool.becomesIdle(self) else { return true }
            if alarm.wait(timeout: .now() + idleTimeout) == .success { return true }
            if WorkerPool.leavesIdle(self) { return false }
            // Another thread took the worker in between.
            alarm.wait()
            return true
        }
    }

    private struct State {
        /// The threads that wait; the most recently active one is last.
        var idle: [Worker] = []
        /// The bodies for which the system had no thread.
        var waiting: ArraySlice<Body> = []
    }

    private static let state = Locked(State())
    /// The time that a thread waits for a body.
    private static let idleTimeout = DispatchTimeInterval.seconds(5)
    /// The time until a thread is requested again, after the system had none.
    private static let retryInterval = DispatchTimeInterval.milliseconds(50)
    /// Users' closures run in the pool, so a thread has the stack size of a main thread.
    private static let stackByteCount = 8 << 20

    /// Runs `body` on a thread that runs nothing else meanwhile.
    ///
    /// If the system has no thread, the body waits for one.
    static func run(_ body: @escaping Body) {
        if let worker = state.withLock({ $0.idle.popLast() }) {
            worker.next.withLock { $0 = body }
            worker.alarm.signal()
        } else if !startThread(Worker(body)) {
            state.withLock { $0.waiting.append(body) }
            retryLater()
        }
    }

    private static func retryLater() {
        DispatchQueue.global().asyncAfter(deadline: .now() + retryInterval) {
            if let body = state.withLock({ $0.waiting.popFirst() }) { run(body) }
        }
    }

    /// Makes a worker wait for work; `false` if it got a body that waited for a thread.
    private static func becomesIdle(_ worker: Worker) -> Bool {
        let body = state.withLock { state in
            let body = state.waiting.popFirst()
            if body == nil { state.idle.append(worker) }
            return body
        }
        guard let body else { return true }
        worker.next.withLock { $0 = body }
        return false
    }

    /// Removes an idle worker from the list; `false` if it was taken before.
    private static func leavesIdle(_ worker: Worker) -> Bool {
        state.withLock { state in
            guard let place = state.idle.firstIndex(where: { $0 === worker }) else { return false }
            state.idle.remove(at: place)
            return true
        }
    }

    // MARK: Threads

    /// Starts a thread for a worker; returns `false` if the system has none.
    private static func startThread(_ worker: Worker) -> Bool {
        let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
        defer { unsafe attributes.deallocate() }
        guard unsafe pthread_attr_init(attributes) == 0 else { return false }
        defer { _ = unsafe pthread_attr_destroy(attributes) }
        _ = unsafe pthread_attr_setstacksize(attributes, stackByteCount)
        _ = unsafe pthread_attr_setdetachstate(attributes, Int32(PTHREAD_CREATE_DETACHED))
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        let retained = unsafe Unmanaged.passRetained(worker)
        let status = unsafe pthread_create(
            &thread, attributes,
            { argument in
                unsafe WorkerPool.threadBegan(argument)
                return nil
            }, retained.toOpaque())
        if status != 0 { unsafe retained.release() }
        return status == 0
    }

    private static func threadBegan(_ argument: UnsafeMutableRawPointer?) {
        guard let argument = unsafe argument else { return }
        Thread.current.name = "codex.worker"
        unsafe Unmanaged<Worker>.fromOpaque(argument).takeRetainedValue().run()
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
