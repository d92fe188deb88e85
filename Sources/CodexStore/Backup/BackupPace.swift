internal import CodexCore

/// How much of the machine a backup takes from writers, for ``Store/backup(to:pace:)``.
///
/// A slower backup disturbs writers less. It takes longer, and the data file grows by the pages
/// that writers replace in that time.
public struct BackupPace: Sendable, Hashable {
    enum Kind: Hashable {
        case unlimited
        case share(Double)
        case bytesPerSecond(Int)
    }
    let kind: Kind

    /// The backup never pauses.
    public static let unlimited = BackupPace(kind: .unlimited)

    /// The backup works for half of the time while other transactions commit: the default.
    public static let yielding = BackupPace.yielding(share: 0.5)

    /// The backup works for a share of the time while other transactions commit.
    ///
    /// It pauses after each small part, and longer if the part took longer. So it yields more on a
    /// busy device. While nothing commits, it does not pause.
    ///
    /// - Parameter share: The share, above 0 and up to 1.
    /// - Returns: The pace.
    public static func yielding(share: Double) -> BackupPace { BackupPace(kind: .share(share)) }

    /// The backup copies at most this number of bytes in a second, also while nothing commits.
    ///
    /// The check of the copy reads its bytes again, at the same pace.
    ///
    /// - Parameter count: The number of bytes, 1 or more.
    /// - Returns: The pace.
    public static func bytesPerSecond(_ count: Int) -> BackupPace {
        BackupPace(kind: .bytesPerSecond(count))
    }

    /// Throws unless the share or the number of bytes is valid.
    ///
    /// - Throws: ``CodexError/Code/invalidArgument``.
    func validate() throws(CodexError) {
        switch kind {
        case .unlimited: return
        case .share(let share):
            if share > 0, share <= 1 { return }
            throw CodexError(
                .invalidArgument, "The share of a backup's pace is above 0 and up to 1.")
        case .bytesPerSecond(let count):
            if count >= 1 { return }
            throw CodexError(
                .invalidArgument, "A backup copies at least 1 byte in a second.")
        }
    }

    /// The longest pause after a part, so that one slow call does not hold up a backup.
    ///
    /// It does not bound the pauses of ``bytesPerSecond(_:)``.
    static let pauseMax = Duration.milliseconds(200)

    /// The pause after a part of a backup.
    ///
    /// - Parameters:
    ///   - worked: The time that the part took.
    ///   - byteCount: The bytes of the part.
    ///   - isBusy: Whether a transaction committed meanwhile.
    /// - Returns: The pause; zero is none.
    func pause(after worked: Duration, byteCount: Int, isBusy: Bool) -> Duration {
        let worked = worked.bounded
        switch kind {
        case .unlimited: return .zero
        case .share(let share):
            guard isBusy else { return .zero }
            // The bound comes first: a product with a tiny share's reciprocal may overflow.
            let rest = (1 - share) / share
            guard worked / Self.pauseMax * rest < 1 else { return Self.pauseMax }
            return worked * rest
        case .bytesPerSecond(let count):
            let seconds = Double(byteCount) / Double(count)
            return (Duration.seconds(seconds) - worked).bounded
        }
    }
}
