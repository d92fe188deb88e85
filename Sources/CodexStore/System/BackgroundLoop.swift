internal import Dispatch

/// A repeated background operation of a store, one pass at a time.
///
/// A pass runs on a thread of the ``WorkerPool`` when the loop is woken or its time has come.
/// Between passes the loop has no thread.
final class BackgroundLoop: Sendable {
    /// The time of the next pass, unless the loop is woken earlier.
    enum Next: Equatable {
        case whenWoken
        case after(Duration)
        case never
    }

    private struct State {
        var pass: (@Sendable () -> Next)?
        /// Whether a pass runs, or waits for a thread.
        var isRunning = false
        /// Whether the loop was woken since the running pass began.
        var isWoken = false
        /// The delay of a pass that was requested since the running one began.
        var delay: Duration?
        var timer: (any DispatchSourceTimer)?
    }

    private let state = Locked(State())
    private let ended = DispatchSemaphore(value: 0)

    private static let timers = DispatchQueue(label: "codex.timers")

    deinit { state.withLock { $0.timer }?.cancel() }

    /// Starts the loop, once; it lives until a pass returns ``Next/never``.
    func start(_ first: Next = .after(.zero), _ pass: @escaping @Sendable () -> Next) {
        state.withLock { state in
            state.pass = pass
            setTimer(first, &state)
        }
    }

    /// Starts a pass as soon as none runs.
    func wake() {
        let starts = state.withLock { state in
            guard state.pass != nil else { return false }
            defer { state.isRunning = true }
            if state.isRunning { state.isWoken = true }
            return !state.isRunning
        }
        if starts { WorkerPool.run { [self] in runPasses() } }
    }

    /// Starts a pass after a delay; the result of a running pass takes precedence.
    func wake(after delay: Duration) {
        state.withLock { state in
            guard state.pass != nil else { return }
            if state.isRunning {
                state.delay = delay
            } else {
                setTimer(.after(delay), &state)
            }
        }
    }

    /// Blocks until the last pass has ended; for one thread, once.
    func waitUntilEnded() { ended.wait() }

    private func runPasses() {
        while let pass = state.withLock({ $0.pass }) {
            if rests(pass()) { return }
        }
    }

    /// Releases the thread until the next pass; returns `false` if that is now.
    private func rests(_ next: Next) -> Bool {
        if next == .never {
            end()
            return true
        }
        return state.withLock { state in
            if state.isWoken {
                state.isWoken = false
                return false
            }
            state.isRunning = false
            let asked = state.delay.map(Next.after) ?? .whenWoken
            state.delay = nil
            setTimer(next == .whenWoken ? asked : next, &state)
            return true
        }
    }

    private func setTimer(_ next: Next, _ state: inout State) {
        guard case .after(let duration) = next else {
            state.timer?.schedule(deadline: .distantFuture)
            return
        }
        let timer = state.timer ?? makeTimer()
        state.timer = timer
        timer.schedule(deadline: .now() + duration.dispatchInterval)
    }

    private func makeTimer() -> any DispatchSourceTimer {
        let timer = DispatchSource.makeTimerSource(queue: Self.timers)
        timer.setEventHandler { [weak self] in self?.wake() }
        timer.schedule(deadline: .distantFuture)
        timer.activate()
        return timer
    }

    private func end() {
        let timer = state.withLock { state in
            defer { (state.pass, state.timer) = (nil, nil) }
            return state.timer
        }
        timer?.cancel()
        ended.signal()
    }
}
