internal import CodexCore

/// What a follower has received and not applied: so that receiving goes on meanwhile, and what came
/// together is applied together.
///
/// One task adds, one takes.
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

    /// From so many bytes on, adding waits.
    private static let byteCountMax = 8 << 20

    /// Adds records; waits as long as there are many.
    ///
    /// - Throws: `CancellationError` once the taker is gone.
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

    /// Takes all that there are, as soon as there are any.
    ///
    /// - Returns: `nil` at the end.
    /// - Throws: What receiving failed with, after all that came before.
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

    /// Says that no more come.
    func finish(_ failure: (any Error)?) {
        let (taker, adder) = state.withLock { state in
            if !state.isFinished { (state.isFinished, state.failure) = (true, failure) }
            defer { (state.taker, state.adder) = (nil, nil) }
            return (state.taker, state.adder)
        }
        taker?.resume()
        adder?.resume()
    }

    /// Lets both ends go.
    func cancel() { finish(CancellationError()) }
}
