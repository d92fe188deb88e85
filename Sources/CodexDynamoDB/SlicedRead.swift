internal import CodexStore

/// A read that is done slice by slice, so that others get their turn between two of them.
///
/// Each slice has a snapshot of its own: none stays open during a pause.
protocol SlicedRead: AnyObject, Sendable {
    /// The work of the last slice.
    var slice: RequestBudget.Slice { get }
    /// Whether nothing is left to read.
    var isDone: Bool { get }

    /// Reads the next slice.
    ///
    /// - Throws: `ThrottlingException` if time or memory are over, and what the store throws.
    func readSlice(
        of store: Store, _ size: RequestBudget.Slice.Size, _ budget: RequestBudget
    ) throws

    /// The response, once all is read.
    func response(_ budget: RequestBudget) throws -> ResponseWriter
}

extension DynamoDBService {
    /// Reads the slices that are left where long work is done.
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
