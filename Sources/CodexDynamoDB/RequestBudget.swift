internal import CodexCore

// The cost of a request is bounded stage by stage. "A query over HTTP" in Docs/Architecture.md has
// the stages, their meters, and what refuses a request.

/// The limits of one request: time, memory, and work between two pauses.
///
/// A server creates one for each request. Long work is done in slices. Between two slices the
/// request pauses, so that other requests can run.
///
/// ```swift
/// let end = ContinuousClock.now + .seconds(10)
/// let budget = RequestBudget(isOver: { ContinuousClock.now >= end })
/// ```
///
/// Any thread may call the closures.
public struct RequestBudget: Sendable {
    /// The work of one slice.
    public struct Slice: Sendable, Hashable {
        /// The number of examined items.
        public internal(set) var itemCount = 0
        /// The bytes of those items, as DynamoDB counts them.
        public internal(set) var byteCount = 0
        /// The steps of evaluating the filter, see ``StoreLimits/conditionStepCountMax``.
        public internal(set) var stepCount = 0
    }

    /// Whether the request's time is over, or its client is gone.
    ///
    /// It is called between slices and within them. A request that is over gets a
    /// `ThrottlingException`. It has changed nothing.
    public var isOver: @Sendable () -> Bool

    /// Asks for more bytes of memory, for decoded values and for the response; `false` refuses
    /// them.
    ///
    /// A refused request gets a `ThrottlingException`. It has changed nothing. After the response,
    /// the caller releases the rest of the grants.
    public var reserve: @Sendable (_ byteCount: Int) -> Bool

    /// Releases bytes that ``reserve`` granted, once their stored items have left memory.
    public var release: @Sendable (_ byteCount: Int) -> Void

    /// Called between two slices, with the work of the previous one.
    public var pause: @Sendable (Slice) async -> Void

    /// The executor for long work; `nil` is the executor where the request started.
    ///
    /// Work on small items and the first slice of a query stay where the request started.
    public var executor: (any TaskExecutor)?

    /// The deviations that a service with faults asks for.
    package var faults = RequestFaults()

    /// The size in bytes up to which bodies, responses and items are small.
    ///
    /// Small ones are handled where the request started.
    ///
    /// A stored item must be smaller than half of it, with its compressed values inflated, because
    /// it is both decoded and written there.
    public static let smallByteCount = 32 << 10

    /// Creates a budget; by default without limits.
    public init(
        isOver: @escaping @Sendable () -> Bool = { false },
        reserve: @escaping @Sendable (_ byteCount: Int) -> Bool = { _ in true },
        release: @escaping @Sendable (_ byteCount: Int) -> Void = { _ in },
        pause: @escaping @Sendable (Slice) async -> Void = { _ in
            await _Concurrency.Task.yield()
        },
        executor: (any TaskExecutor)? = nil
    ) {
        self.isOver = isOver
        self.reserve = reserve
        self.release = release
        self.pause = pause
        self.executor = executor
    }
}

extension RequestBudget.Slice {
    /// The limits of a slice.
    ///
    /// The item that fills a slice is the last of it. A slice may therefore exceed its limits by
    /// one large item, unless it ends before large items.
    struct Size {
        let itemCountMax: Int
        let byteCountMax: Int
        /// The slice ends before an item whose inflated encoding has this many bytes or more.
        let largeByteCount: Int
        /// The most steps of the filter on one item.
        let stepCountMax: Int

        /// About a quarter of a millisecond: other requests of the same thread wait that long.
        static let first = Size(
            itemCountMax: 64, byteCountMax: RequestBudget.smallByteCount / 2,
            largeByteCount: RequestBudget.smallByteCount / 2, stepCountMax: 1 << 17)
        /// About a millisecond.
        static let next = Size(
            itemCountMax: 256, byteCountMax: 64 << 10, largeByteCount: .max,
            stepCountMax: StoreLimits.conditionStepCountMax)
    }

    /// The filter's steps that end a slice.
    static let stepCountMax = 1 << 19

    /// Counts an item.
    mutating func add(byteCount: Int) {
        itemCount += 1
        self.byteCount += byteCount
    }

    /// Counts steps of a filter.
    mutating func add(stepCount: Int) { self.stepCount += stepCount }

    func isFull(_ size: Size) -> Bool {
        itemCount >= size.itemCountMax || byteCount >= size.byteCountMax
            || stepCount >= Self.stepCountMax
    }
}

extension RequestBudget {
    /// The number of items between two checks of the time.
    static let itemCountPerCheck = 16

    /// Throws if the time is over.
    func requireTime() throws {
        if isOver() { throw ServiceError.outOfTime }
    }

    /// Reserves memory, or throws.
    func require(byteCount: Int) throws {
        guard byteCount <= 0 || reserve(byteCount) else { throw ServiceError.outOfMemory }
    }

    /// The memory of stored items that are decoded, `byteCountMax` bytes at a time.
    func decodedMemory(byteCountMax: Int = .max) -> DecodedMemory {
        DecodedMemory(byteCountMax: byteCountMax, ask: reserve, release: release)
    }

    /// Performs long work on the executor for it, and other work in place.
    ///
    /// - Parameters:
    ///   - isLong: Whether the work is long.
    ///   - work: The work. It receives the budget to continue with. On the executor for long work,
    ///     that budget has no executor, so that nothing moves again.
    /// - Returns: The value that `work` returns.
    /// - Throws: The error that `work` throws.
    func away<Value: Sendable>(
        if isLong: Bool = true, _ work: @Sendable (RequestBudget) throws -> Value
    ) async throws -> Value {
        guard isLong, let there else { return try work(self) }
        return try await withTaskExecutorPreference(there.executor) { try work(there.budget) }
    }

    /// The executor for long work, and the budget to continue with; `nil` if the work stays in
    /// place.
    ///
    /// Pass asynchronous work to `withTaskExecutorPreference` as a literal closure. A closure that
    /// was passed on as a value would return to its original executor.
    var there: (executor: any TaskExecutor, budget: RequestBudget)? {
        guard let executor else { return nil }
        var budget = self
        budget.executor = nil
        return (executor, budget)
    }
}
