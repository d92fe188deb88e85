internal import Dispatch
internal import Synchronization

/// The result of a task.
private final class Outcome<Value: Sendable>: Sendable {
    let result = Mutex<Result<Value, any Error>?>(nil)
}

/// Waits for an asynchronous function, because the function that libFuzzer calls is synchronous.
///
/// - Important: Do not call it in a task: it blocks its thread.
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
