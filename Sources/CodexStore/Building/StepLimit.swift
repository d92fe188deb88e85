/// How much one step of a build does.
struct StepLimit: Sendable {
    private let end: ContinuousClock.Instant?
    private let countMax: Int

    /// So little that other writes are hardly held up, the commit included.
    static func brief() -> StepLimit {
        StepLimit(end: ContinuousClock.now + .milliseconds(4), countMax: 1000)
    }

    /// So much that commits hardly count: for a bulk load, whose caller waits for it.
    static let ample = StepLimit(end: nil, countMax: 20_000)

    /// Bytes of entries that end a step: the transaction holds them in memory.
    private static let byteCountMax = 16 << 20

    /// Whether a step that has done `count`, and stored so many bytes, is to end.
    func isOver(_ count: Int, byteCount: Int = 0) -> Bool {
        if count >= countMax || byteCount >= Self.byteCountMax { return true }
        guard let end, count % 16 == 0 else { return false }
        return ContinuousClock.now > end
    }
}
