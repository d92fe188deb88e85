import CodexCore
import Dispatch
import Synchronization

/// Runs the tasks of a command one after the other, and lets its requests begin in rounds.
///
/// A request waits until no task can go on without one. Then all that wait begin. So requests that
/// do not depend on each other are in one round, however the tasks are scheduled. The number of
/// rounds is how often a command waits for the network.
final class RoundExecutor: TaskExecutor {
    private struct Request {
        let isTransaction: Bool
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var jobs: [UnownedJob] = []
        var requests: [Request] = []
        /// The requests that began and have not ended.
        var openCount = 0
        var isRunning = false
        var readRoundCount = 0
    }

    private enum Step {
        case job(UnownedJob)
        case round([Request])
    }

    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "rounds")

    /// The rounds that had other requests than transactions.
    var readRoundCount: Int { state.withLock { $0.readRoundCount } }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        change { $0.jobs.append(job) }
    }

    /// Performs a request, which begins with the next round.
    func request<Value>(
        isTransaction: Bool = false, _ body: () async throws -> Value
    ) async rethrows -> Value {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let request = Request(isTransaction: isTransaction, continuation: continuation)
            change { $0.requests.append(request) }
        }
        defer { change { $0.openCount -= 1 } }
        return try await body()
    }

    /// Changes what there is to do, and goes on with it.
    private func change(_ body: (inout State) -> Void) {
        let isIdle = state.withLock { state in
            body(&state)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if isIdle { queue.async { self.run() } }
    }

    private func run() {
        while let step = next() {
            switch step {
            case .job(let job): job.runSynchronously(on: asUnownedTaskExecutor())
            case .round(let requests): for request in requests { request.continuation.resume() }
            }
        }
    }

    private func next() -> Step? {
        state.withLock { state -> Step? in
            if !state.jobs.isEmpty { return .job(state.jobs.removeFirst()) }
            guard state.openCount == 0, !state.requests.isEmpty else {
                state.isRunning = false
                return nil
            }
            let requests = state.requests
            state.requests = []
            state.openCount = requests.count
            if requests.contains(where: { !$0.isTransaction }) { state.readRoundCount += 1 }
            return .round(requests)
        }
    }
}

/// A table whose requests begin in the rounds of an executor.
struct RoundTable: TableBackend {
    let base: any TableBackend
    let executor: RoundExecutor

    var capabilities: TableCapabilities { base.capabilities }

    func item(
        in table: String, key: PrimaryKey, consistency: ReadConsistency
    ) async throws -> Item? {
        try await executor.request {
            try await base.item(in: table, key: key, consistency: consistency)
        }
    }

    func items(
        in table: String, keys: [PrimaryKey], consistency: ReadConsistency
    ) async throws -> [Item?] {
        try await executor.request {
            try await base.items(in: table, keys: keys, consistency: consistency)
        }
    }

    func items(
        matching query: TableQuery, limits: PageLimits, after token: PageToken?,
        consistency: ReadConsistency
    ) async throws -> Page<Item> {
        try await executor.request {
            try await base.items(
                matching: query, limits: limits, after: token, consistency: consistency)
        }
    }

    func items(
        scanning table: String, limits: PageLimits, after token: PageToken?,
        consistency: ReadConsistency
    ) async throws -> Page<Item> {
        try await executor.request {
            try await base.items(
                scanning: table, limits: limits, after: token, consistency: consistency)
        }
    }

    func perform(_ action: WriteAction, returning: ReturnValues) async throws -> Item? {
        try await executor.request {
            try await base.perform(action, returning: returning)
        }
    }

    func transact(_ actions: [WriteAction], idempotencyToken token: String?) async throws {
        try await executor.request(isTransaction: true) {
            try await base.transact(actions, idempotencyToken: token)
        }
    }
}
