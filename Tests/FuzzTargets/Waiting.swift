internal import Dispatch
internal import Synchronization

/// What a task found.
private final class Outcome<Value: Sendable>: Sendable {
    let result = Mutex<Result<Value, any Error>?>(nil)
}

/// Waits for what is asynchronous: libFuzzer's function is not.
///
/// - Important: Not to be called by a thread that tasks run on.
func waiting<Value: Sendable>(
    _ body: @escaping @Sendable () async throws -> Value
) throws -> Value {
    let (done, outcome) = (DispatchSemaphore(value: 0), Outcome<Value>())
    Task {
        do {
            let value = try await body()
            outcome.result.withLock { $0 = .success(value) }
        } catch {
            outcome.result.withLock { $0 = .failure(error) }
        }
        done.signal()
    }
    done.wait()
    guard let result = outcome.result.withLock({ $0 }) else { fatalError("A task has no result") }
    return try result.get()
}
