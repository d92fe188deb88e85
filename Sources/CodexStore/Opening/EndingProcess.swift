internal import CodexCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Tells locks of a process that is ending from locks that contradict each other.
///
/// A process with an open store has several locks. When it is killed, the kernel releases them one
/// after the other, in no documented order. A process that is being spawned has its parent's locks
/// too, until it runs its own program. So an opening process may find some locks of a process
/// without the others.
enum EndingProcess {
    /// How long such a state may last.
    static let waitMax = Duration.seconds(2)

    /// Runs a check of locks again while it fails with `code`, for ``waitMax`` at most.
    ///
    /// - Parameters:
    ///   - code: The code of the error if locks contradict each other.
    ///   - retried: Called before each further attempt, which it may refuse.
    ///   - check: The check. It must have no effect if it fails.
    /// - Returns: What `check` returns.
    /// - Throws: The errors of `check` and of `retried`.
    static func settled<R>(
        _ code: CodexError.Code, _ retried: (@Sendable () throws(CodexError) -> Void)?,
        _ check: () throws(CodexError) -> R
    ) throws(CodexError) -> R {
        let deadline = ContinuousClock.now + waitMax
        while true {
            do throws(CodexError) {
                return try check()
            } catch {
                guard error.code == code, .now < deadline else { throw error }
                try retried?()
                _ = usleep(1000)
            }
        }
    }
}
