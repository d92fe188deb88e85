#if Server
    import Dispatch
    import Foundation
    import Synchronization

    /// The signals that end a program: what they do before its server handles them.
    ///
    /// Until then they call a closure, and end the process. Afterwards `SIGTERM` and `SIGINT` are
    /// left to the server, and `SIGHUP`, the end of a terminal, becomes a `SIGTERM`.
    ///
    /// It is `@unchecked Sendable` because only the initializer changes its sources.
    final class EndingSignals: @unchecked Sendable {
        private let isServing = Atomic(false)
        private var sources: [any DispatchSourceSignal] = []

        /// Handles the signals from now on, to the end of the process.
        ///
        /// - Parameter clean: Called on any thread before the process ends.
        init(_ clean: @escaping @Sendable () -> Void) {
            let registered = DispatchSemaphore(value: 0)
            for number in [SIGTERM, SIGINT, SIGHUP] {
                #if canImport(Darwin)
                    // There, a source does not prevent what the signal does by itself.
                    signal(number, SIG_IGN)
                #endif
                let source = DispatchSource.makeSignalSource(
                    signal: number, queue: .global(qos: .userInitiated))
                source.setRegistrationHandler { registered.signal() }
                source.setEventHandler { [self] in received(number, clean) }
                source.resume()
                sources.append(source)
            }
            for _ in sources { registered.wait() }
        }

        /// Leaves the signals to the server, which handles them now.
        func beginServing() { isServing.store(true, ordering: .sequentiallyConsistent) }

        private func received(_ number: Int32, _ clean: () -> Void) {
            guard isServing.load(ordering: .sequentiallyConsistent) else {
                clean()
                _exit(128 + number)
            }
            if number == SIGHUP { kill(getpid(), SIGTERM) }
        }
    }
#endif
