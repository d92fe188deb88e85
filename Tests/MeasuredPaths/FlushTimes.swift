package import CodexCore
public import CodexStore

/// Measures how long the flushes of a store's log take, apart from the rest of the commits.
public final class FlushTimes: StoreCalls {
    private let nanoseconds = Locked<[UInt64]>([])

    /// Begins without flushes.
    public init() {}

    /// Options of a store whose flushes are measured.
    ///
    /// - Parameter writebackByteCount: The bytes after which the data file is written out; `nil` is
    ///   the store's default, and 0 leaves all to the flushes of checkpoints.
    /// - Returns: The options.
    public func options(writebackByteCount: Int?) -> StoreOptions {
        var options = StoreOptions()
        options.parts.calls = self
        if let writebackByteCount { options.writebackByteCount = writebackByteCount }
        return options
    }

    /// The nanoseconds of all flushes of the log so far.
    public var flushes: [UInt64] { nanoseconds.withLock { $0 } }

    package func perform(
        _ call: StoreCall, _ make: () throws(CodexError) -> Void
    ) throws(CodexError) {
        guard call == .flushLog else { return try make() }
        let start = ContinuousClock.now
        try make()
        let duration = ContinuousClock.now - start
        nanoseconds.withLock { $0.append(UInt64(max(0, duration / .nanoseconds(1)))) }
    }
}
