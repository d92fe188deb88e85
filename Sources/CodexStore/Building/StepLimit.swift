/// The limit of one step of a build.
struct StepLimit: Sendable {
    private let end: ContinuousClock.Instant?
    private let countMax: Int

    /// A limit so small that other writes wait little, even with the step's commit.
    static func brief() -> StepLimit {
        StepLimit(end: ContinuousClock.now + .milliseconds(4), countMax: 1000)
    }

    /// A limit so large that commits cost little: for a bulk load, whose caller waits for it.
    static let ample = StepLimit(end: nil, countMax: 20_000)

    /// A limit that does not depend on time, of 2 or more items or entries.
    static func entries(_ countMax: Int) -> StepLimit {
        StepLimit(end: nil, countMax: max(2, countMax))
    }

    /// The bytes of entries that end a step, because the transaction holds them in memory.
    private static let byteCountMax = 16 << 20

    /// Whether a step must end that has done `count` units and stored `byteCount` bytes.
    func isOver(_ count: Int, byteCount: Int = 0) -> Bool {
        if count >= countMax || byteCount >= Self.byteCountMax { return true }
        guard let end, count % 16 == 0 else { return false }
        return ContinuousClock.now > end
    }
}
