/// Decides when the data file is written out between two flushes, and in which parts.
///
/// A pass begins once commits wrote the bytes of a step. It covers the whole file, since LMDB's
/// pages are scattered. If the commits wrote more than a step meanwhile, the pass has several
/// parts, so that one part has about the bytes of a step. Each part waits for the one before. So a
/// flush of the log waits for the bytes of about two steps at most.
struct WritebackPlan: Equatable {
    /// The bytes of a step; zero is never.
    private var stepByteCount: Int
    /// The offset of the first page after LMDB's meta pages, which each commit writes again.
    private let firstOffset: Int
    private let pageByteCount: Int
    /// The bytes that commits wrote since the last pass began, or since the last flush.
    private(set) var writtenByteCount = 0
    /// The bytes up to the last page in use, as of the last commit; `nil` before the first.
    private var usedByteCount: Int?
    /// The rest of the present pass.
    private var rest = 0..<0
    /// The bytes of the file that each part of the pass covers.
    private var partByteCount = 0
    private var isPaused = false
    /// The last part that was taken since the last flush; empty if there was none.
    private(set) var lastPart = 0..<0

    /// The maximum number of parts of a pass.
    static let partCountMax = 64

    init(stepByteCount: Int, pageByteCount: Int) {
        self.stepByteCount = max(0, stepByteCount)
        self.pageByteCount = pageByteCount
        firstOffset = 2 * pageByteCount
    }

    /// Whether a part must be written out.
    var isDue: Bool {
        stepByteCount > 0 && !isPaused && (!rest.isEmpty || writtenByteCount >= stepByteCount)
    }

    /// Records a commit.
    ///
    /// - Parameters:
    ///   - byteCount: The bytes of the pages that the commit replaced.
    ///   - used: The bytes up to the last page in use. Growth counts as written.
    /// - Returns: Whether a part became due.
    mutating func recordCommit(_ byteCount: Int, usedByteCount used: Int) -> Bool {
        let wasDue = isDue
        let growth = usedByteCount.map { max(0, used - $0) } ?? 0
        usedByteCount = used
        writtenByteCount += byteCount + growth
        return isDue && !wasDue
    }

    /// Takes the next part, in the order of the file; `nil` if none is due.
    mutating func next() -> Range<Int>? {
        guard isDue else { return nil }
        if rest.isEmpty { beginPass() }
        guard !rest.isEmpty else { return nil }
        let end = min(rest.lowerBound + partByteCount, rest.upperBound)
        lastPart = rest.lowerBound..<end
        rest = end..<rest.upperBound
        return lastPart
    }

    private mutating func beginPass() {
        let steps = (writtenByteCount + stepByteCount - 1) / stepByteCount
        let partCount = min(steps, Self.partCountMax)
        // The last commit may have added pages after those in use before it.
        let end = (usedByteCount ?? 0) + writtenByteCount
        writtenByteCount = 0
        rest = firstOffset..<max(firstOffset, end)
        let pageCount = (rest.count + pageByteCount - 1) / pageByteCount
        partByteCount = (pageCount + partCount - 1) / partCount * pageByteCount
    }

    /// Records that a flush begins, which writes out all that is left.
    mutating func recordFlush() {
        writtenByteCount = 0
        rest = 0..<0
        lastPart = 0..<0
    }

    /// Ends the writing out for good.
    mutating func stop() { stepByteCount = 0 }

    /// Takes no part until ``resume()``.
    mutating func pause() { isPaused = true }

    /// Continues with a data file of another size.
    mutating func resume() {
        recordFlush()
        usedByteCount = nil
        isPaused = false
    }
}
