public import CodexCore
public import CodexStore

extension CodexFlow.RateWindow: RateWindowEntity {
    /// The primary key of a subject's window for a limit.
    public static func primaryKey(of subject: String, limit name: String) -> PrimaryKey {
        key(name, of: subject)
    }
}

extension RateLimiter {
    /// Creates a limiter that keeps its counts in CodexFlow's table (``CodexFlow/RateWindow``).
    ///
    /// - Parameters:
    ///   - store: The store with the windows.
    ///   - name: The limit's name. Limiters with the same name share the windows of each subject.
    ///     They must have the same limit and window.
    ///   - limit: The most permits in a window, 1 or more.
    ///   - window: The window, a second to a day.
    /// - Throws: As ``init(_:windows:name:limit:window:)``.
    public convenience init(
        _ store: Store, name: String, limit: Int, window: Duration = .seconds(60)
    ) throws(CodexError) {
        try self.init(
            store, windows: CodexFlow.RateWindow.self, name: name, limit: limit, window: window)
    }
}
