internal import CodexCore

/// The records that a follower has received and not applied yet.
///
/// The follower can receive while it applies, and applies together the records that came together.
/// One task adds, and one task takes.
final class RecordBuffer: Sendable {
    private struct State {
        var records: [LeaderRecord] = []
        var byteCount = 0
        var isFinished = false
        var failure: (any Error)?
        var taker: CheckedContinuation<Void, Never>?
        var adder: CheckedContinuation<Void, Never>?
    }

    private let state = Locked(State())

    /// The bytes of records above which adding waits.
    private static let byteCountMax = 8 << 20

    /// Adds records; waits while the buffer is full.
    ///
    /// - Throws: `CancellationError` once the buffer is finished.
    func add(_ records: [LeaderRecord]) async throws {
        guard !records.isEmpty else { return }
        let taker = state.withLock { state in
            state.records += records
            for record in records { state.byteCount += record.header.recordByteCount }
            defer { state.taker = nil }
            return state.taker
        }
        taker?.resume()
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let waits = state.withLock { state in
                guard state.byteCount > Self.byteCountMax, !state.isFinished else { return false }
                state.adder = continuation
                return true
            }
            if !waits { continuation.resume() }
        }
        if state.withLock({ $0.isFinished }) { throw CancellationError() }
    }

    /// Takes all records, as soon as there are any.
    ///
    /// - Returns: The records; `nil` at the end.
    /// - Throws: The error of receiving, after all records before it.
    func take() async throws -> [LeaderRecord]? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let waits = state.withLock { state in
                    guard state.records.isEmpty, !state.isFinished else { return false }
                    state.taker = continuation
                    return true
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            cancel()
        }
        let (records, failure, adder) = state.withLock { state in
            defer { (state.records, state.byteCount, state.adder) = ([], 0, nil) }
            return (state.records, state.failure, state.adder)
        }
        adder?.resume()
        if !records.isEmpty { return records }
        if let failure { throw failure }
        return nil
    }

    /// Records that no more records come.
    func finish(_ failure: (any Error)?) {
        let (taker, adder) = state.withLock { state in
            if !state.isFinished { (state.isFinished, state.failure) = (true, failure) }
            defer { (state.taker, state.adder) = (nil, nil) }
            return (state.taker, state.adder)
        }
        taker?.resume()
        adder?.resume()
    }

    /// Releases both tasks.
    func cancel() { finish(CancellationError()) }
}
