import CodexCore
import CodexStore
import Foundation

extension SimulatedProcess {
    private enum Event { case ended, tick }

    /// Runs what may wait for an index build of another process, and gives that process turns.
    ///
    /// A builder that finds `build.lock` taken tries again after 500 ms of real time. No such
    /// attempt is a scheduling point. So the process pauses by `usleep`, which is one, as long as
    /// another process has the lock. It looks for that after some real time only: what does not
    /// wait has ended by then, and has no further scheduling points.
    func patiently<Value: Sendable>(
        in directory: String, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let (events, continuation) = AsyncStream<Event>.makeStream()
        let work = _Concurrency.Task.detached { () async throws -> Value in
            defer { continuation.yield(.ended) }
            return try await body()
        }
        Self.sendTick(continuation)
        for await event in events {
            if event == .ended { break }
            if Self.isBuiltByAnother(directory) {
                usleep(1000)
                store?.wakeBuilder()
            }
            Self.sendTick(continuation)
        }
        return try await work.value
    }

    private static func sendTick(_ continuation: AsyncStream<Event>.Continuation) {
        _Concurrency.Task.detached {
            try? await _Concurrency.Task.sleep(for: .milliseconds(30))
            continuation.yield(.tick)
        }
    }

    /// Whether another process has the lock of builders of a store.
    private static func isBuiltByAnother(_ directory: String) -> Bool {
        if hasOpen("build.lock") { return false }
        let file = Foundation.open(directory + "/build.lock", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        // Closing it lets go of the lock.
        defer { Foundation.close(file) }
        return flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }

    /// Whether this process has a file of a name open, as its builder has the lock when it works.
    private static func hasOpen(_ name: String) -> Bool {
        let descriptors = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
        return (descriptors ?? []).contains { descriptor in
            let path = try? FileManager.default.destinationOfSymbolicLink(
                atPath: "/proc/self/fd/" + descriptor)
            return path?.hasSuffix("/" + name) ?? false
        }
    }
}
