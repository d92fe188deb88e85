internal import CodexCore

// What a request costs is bounded stage by stage. Memory is reserved by `reserve` and counts until
// the client has the response; time is asked for by `isOver`.
//
//   stage           meter                                    refused by, with
//   head            100 headers, 32 KiB                      parser of HTTP: 431
//   body            16 MiB; memory as it arrives             RequestBody: 413;
//                                                            ConnectionHandler: Throttling
//   gzip            1 MiB and 16 times the body;             Gzip: Serialization, Throttling
//                   memory of each portion
//   text            one pass, no memory                      JSONChecker: Serialization
//   parameters      10,000 members, names of 64 KiB;         JSONValue: Validation, Throttling
//                   memory of names and long texts
//   decoded values  400 KB for an item, 2 MiB for a value;   AttributeReader: Validation,
//                   memory of each 64 KiB                    Throttling
//   expressions     4 KiB, 300 operators, 2 MiB of           ExpressionParser: Validation
//                   placeholders (4 MiB in a transaction)
//   slice           256 items, 64 KiB, steps of the filter;  SlicedRead: Throttling;
//                   time between two of them                 PageRead: Validation
//   stored items    memory before each is decoded            DecodingBudget: Throttling
//   writer          time before the write; for a             DynamoDBService: Throttling;
//                   transaction 4 MiB, steps of conditions   ActionAccount: Validation;
//                   and 48 MiB of decoded items              DecodedMemory: Validation
//   response        48 MiB; memory of each part of 64 KiB,   ResponseWriter: Validation,
//                   errors with items included               Throttling

/// What one request may use: time, memory, and work between two pauses.
///
/// A server gives one to each request. Long work is done in slices. Between two slices the request
/// pauses, so that others get their turn.
///
/// ```swift
/// let end = ContinuousClock.now + .seconds(10)
/// let budget = RequestBudget(isOver: { ContinuousClock.now >= end })
/// ```
///
/// The closures may be called by any thread.
public struct RequestBudget: Sendable {
    /// The work of one slice.
    public struct Slice: Sendable, Hashable {
        /// How many items were looked at.
        public internal(set) var itemCount = 0
        /// The bytes of those items, as DynamoDB counts them.
        public internal(set) var byteCount = 0
        /// The steps of evaluating the filter, see ``StoreLimits/conditionStepCountMax``.
        public internal(set) var stepCount = 0
    }

    /// Whether the request's time is over, or its client gone.
    ///
    /// Asked for between slices and within them. A request that is over gets a
    /// `ThrottlingException`. It has changed nothing.
    public var isOver: @Sendable () -> Bool

    /// Asks for more bytes of memory, for what is decoded and for the response; `false` refuses
    /// them.
    ///
    /// A refused request gets a `ThrottlingException`. It has changed nothing. The caller
    /// releases what is left of the grants, after the response.
    public var reserve: @Sendable (_ byteCount: Int) -> Bool

    /// Releases bytes that ``reserve`` granted: those of stored items that are not in memory any
    /// more.
    public var release: @Sendable (_ byteCount: Int) -> Void

    /// Called between two slices, with the work of the one before.
    public var pause: @Sendable (Slice) async -> Void

    /// Where long work runs; `nil` is where the request was started.
    ///
    /// Work on small items and the first slice of a query stay where the request was started.
    public var executor: (any TaskExecutor)?

    /// Bodies, responses and items of so many bytes are small: they are handled where the request
    /// was started.
    ///
    /// A stored item has less than half as many, compressed values inflated: it is both decoded and
    /// written there.
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
    /// How much a slice does at most.
    ///
    /// The item that fills a slice is the last of it. So a slice has one large item more, unless it
    /// ends before large ones.
    struct Size {
        let itemCountMax: Int
        let byteCountMax: Int
        /// The slice ends before an item whose encoding has so many bytes, inflated.
        let largeByteCount: Int
        /// Most steps that the filter takes on one item.
        let stepCountMax: Int

        /// Some quarter of a millisecond: other requests of the same thread wait so long.
        static let first = Size(
            itemCountMax: 64, byteCountMax: RequestBudget.smallByteCount / 2,
            largeByteCount: RequestBudget.smallByteCount / 2, stepCountMax: 1 << 17)
        /// Some millisecond.
        static let next = Size(
            itemCountMax: 256, byteCountMax: 64 << 10, largeByteCount: .max,
            stepCountMax: StoreLimits.conditionStepCountMax)
    }

    /// So many steps of filters end a slice.
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
    /// How many items are looked at between two questions for the time.
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

    /// Does work where long work is done if it is long, and here otherwise.
    ///
    /// - Parameters:
    ///   - isLong: Whether the work is long.
    ///   - work: The work. It gets the budget that it goes on with: where long work is done,
    ///     nothing moves again.
    /// - Returns: What `work` returns.
    /// - Throws: What `work` throws.
    func away<Value: Sendable>(
        if isLong: Bool = true, _ work: @Sendable (RequestBudget) throws -> Value
    ) async throws -> Value {
        guard isLong, let there else { return try work(self) }
        return try await withTaskExecutorPreference(there.executor) { try work(there.budget) }
    }

    /// Where long work is done, and the budget that it goes on with; `nil` if that is here.
    ///
    /// Asynchronous work is given to `withTaskExecutorPreference` as a literal closure. A closure
    /// that was passed on as a value would return to the executor that it came from.
    var there: (executor: any TaskExecutor, budget: RequestBudget)? {
        guard let executor else { return nil }
        var budget = self
        budget.executor = nil
        return (executor, budget)
    }
}
