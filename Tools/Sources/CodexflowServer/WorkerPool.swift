#if Server
    import Dispatch
    import Foundation
    import Synchronization

    /// Threads for long work, so that event loops are free for connections and point reads.
    ///
    /// A task that prefers the pool runs on its threads. Between its slices it calls ``pause()``.
    package final class WorkerPool: TaskExecutor {
        private struct State {
            var queue = FairQueue<UnownedJob, UnsafeContinuation<Void, Never>>()
            var isStopped = false
        }

        private let state = Mutex(State())
        /// The semaphore is signalled once for each element of the queue.
        private let arrivals = DispatchSemaphore(value: 0)
        private let threadCount: Int

        /// Starts the threads, which end after ``stop()``.
        ///
        /// - Parameter threadCount: The number of threads; by default all processors but one, which
        ///   is left to point reads.
        package init(
            threadCount: Int = max(1, ProcessInfo.processInfo.activeProcessorCount - 1)
        ) {
            self.threadCount = threadCount
            for number in 0..<threadCount {
                let thread = Thread { [self] in run() }
                thread.name = "codexflow.worker.\(number)"
                thread.start()
            }
        }

        package func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            state.withLock { $0.queue.append(ready: job) }
            arrivals.signal()
        }

        /// Lets other waiting work run first.
        package func pause() async {
            guard state.withLock({ !$0.queue.isEmpty }) else { return }
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                state.withLock { $0.queue.append(paused: continuation) }
                arrivals.signal()
            }
        }

        /// Ends the threads once no work is waiting.
        package func stop() {
            state.withLock { $0.isStopped = true }
            for _ in 0..<threadCount { arrivals.signal() }
        }

        private func run() {
            let executor = asUnownedTaskExecutor()
            while true {
                arrivals.wait()
                switch state.withLock({ $0.queue.next() }) {
                case .ready(let job): job.runSynchronously(on: executor)
                case .paused(let continuation): continuation.resume()
                case nil: if state.withLock({ $0.isStopped }) { return }
                }
            }
        }
    }
#endif
