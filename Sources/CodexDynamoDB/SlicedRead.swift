internal import CodexStore

/// A read that is done slice by slice, so that other requests can run between two slices.
///
/// Each slice opens its own snapshot. No snapshot stays open during a pause.
protocol SlicedRead: AnyObject, Sendable {
    /// The work of the last slice.
    var slice: RequestBudget.Slice { get }
    /// Whether nothing is left to read.
    var isDone: Bool { get }

    /// Reads the next slice.
    ///
    /// - Throws: `ThrottlingException` if there is no time or memory left, and the errors of the
    ///   store.
    func readSlice(
        of store: Store, _ size: RequestBudget.Slice.Size, _ budget: RequestBudget
    ) throws

    /// The response, once everything is read.
    func response(_ budget: RequestBudget) throws -> ResponseWriter
}

extension DynamoDBService {
    /// Reads the remaining slices on the executor for long work.
    func finish(
        _ read: some SlicedRead, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        if read.isDone { return try read.response(budget) }
        guard let there = budget.there else { return try await readSlices(read, budget) }
        return try await withTaskExecutorPreference(there.executor) {
            try await readSlices(read, there.budget)
        }
    }

    private func readSlices(
        _ read: some SlicedRead, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        while !read.isDone {
            await budget.pause(read.slice)
            try budget.requireTime()
            try read.readSlice(of: store, .next, budget)
        }
        return try read.response(budget)
    }
}
