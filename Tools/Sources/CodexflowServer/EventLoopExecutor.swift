#if Server
    import NIOCore

    /// Runs tasks on an event loop.
    ///
    /// A task that waited is resumed by another thread, such as the store's writer. It then returns
    /// to the event loop of its connection, and not to another one first.
    final class EventLoopExecutor: TaskExecutor {
        private let eventLoop: any EventLoop

        init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        }
    }
#endif
