internal import CodexCore

/// The search for rules of a shape's attributes, over the items that are written with the shape.
///
/// A rule of one item may be chance. So it is tried on the next items before a shape gets it, since
/// shapes stay for ever.
struct RuleTrial {
    private struct Candidate {
        let rule: TextRule
        var holdCount = 0
        var failCount = 0

        var isProven: Bool { holdCount >= RuleTrial.proofCount }
        /// Whether it does not hold often enough.
        var isRefuted: Bool { failCount > 4 + 2 * holdCount }
    }

    private var candidates: [Candidate] = []
    /// The number of items since there were no candidates.
    private var itemCount = 0
    private var failedSearchCount = 0
    /// Whether a rule was proven: another shape has it, or there may be no other shape.
    private var isOver = false
    /// The number of items that are passed over.
    private var pause = 0
    private var lastPause = 0

    /// The number of items for which a rule must hold.
    static let proofCount = 16
    /// Most items for a proof: a rule that holds for fewer of them pays little.
    private static let itemCountMax = 256
    private static let failedSearchCountMax = 64
    private static let pauseMax = 256
    /// Most rules of one attribute.
    private static let numberCountMax = 8

    /// Tries the rules on an item, and searches it for others.
    ///
    /// - Returns: The rules of the shape with those that are proven; `nil` if none is.
    mutating func next(_ shape: Shape, _ texts: ItemTexts) -> [TextRule]? {
        guard !isOver else { return nil }
        guard pause == 0 else {
            pause -= 1
            return nil
        }
        for position in texts.unruled(shape) { note(position, shape, texts) }
        guard candidates.contains(where: { $0.isProven }) else {
            itemCount += 1
            let isLate = itemCount >= Self.itemCountMax
            candidates.removeAll { isLate || $0.isRefuted }
            if candidates.isEmpty { startPause() }
            return nil
        }
        isOver = true
        // Those that are nearly proven come too, since a shape can be replaced only a few times.
        let proven = candidates.filter { 2 * $0.holdCount >= Self.proofCount }.map(\.rule)
        candidates = []
        return shape.adding(proven)
    }

    private mutating func note(_ position: Int, _ shape: Shape, _ texts: ItemTexts) {
        let place = candidates.firstIndex { $0.rule.position == position }
        guard let place else {
            let count = shape.rules.count(where: { $0.position == position })
            guard count < Self.numberCountMax, failedSearchCount < Self.failedSearchCountMax else {
                return
            }
            guard let rule = texts.rule(for: position, shape) else {
                failedSearchCount += 1
                return
            }
            candidates.append(Candidate(rule: rule, holdCount: 1))
            return
        }
        if texts.satisfy(candidates[place].rule) {
            candidates[place].holdCount += 1
        } else {
            candidates[place].failCount += 1
        }
    }

    /// Passes over twice as many items as the last time.
    private mutating func startPause() {
        itemCount = 0
        lastPause = min(max(1, 2 * lastPause), Self.pauseMax)
        pause = lastPause
    }
}
