import Histories
import Testing

/// The checker finds errors and refusals that nothing explains, and no others.
@Suite("Errors in histories")
struct FailureCheckTests {
    private static let ofFullDisk = ["diskFull", "commitFailed", "outcomeUnknown", "writesRefused"]

    private static func failure(
        _ code: String, _ time: ClosedRange<Int>, free: Int? = nil
    ) -> History.Failure {
        History.Failure(operation: 1, code: code, time: time, freeByteCount: free)
    }

    /// The kinds of the findings of errors.
    private static func kinds(
        _ failures: [History.Failure], full: [ClosedRange<Int>] = [], recoveries: [Int] = [],
        isPlanted: Bool = false
    ) -> [Finding.Kind] {
        var faults = FaultWindows()
        (faults.fullDisk, faults.recoveries) = (full, recoveries)
        faults.isPlanted = isPlanted
        let history = History(operations: [], failures: failures)
        return Checker.findings(in: history, faults: faults).map(\.kind)
    }

    // MARK: Full disks

    @Test("An error of a full disk is found if the disk was not full", arguments: ofFullDisk)
    func withoutFullDisk(code: String) {
        let failure = Self.failure(code, 10...20)
        #expect(Self.kinds([failure, failure]) == [.unexplainedFailure])
        #expect(Self.kinds([failure], full: [21...30]) == [.unexplainedFailure])
        #expect(Self.kinds([Self.failure(code, 10...20, free: 8 << 20)]) == [.unexplainedFailure])
    }

    @Test("An error of a full disk is accepted if the disk was full", arguments: ofFullDisk)
    func withFullDisk(code: String) {
        let failure = Self.failure(code, 10...20)
        #expect(Self.kinds([failure], full: [0...5, 20...30]).isEmpty)
        #expect(Self.kinds([failure], full: [5...10]).isEmpty)
        #expect(Self.kinds([Self.failure(code, 10...20, free: 1 << 20)]).isEmpty)
        #expect(Self.kinds([failure], isPlanted: true).isEmpty)
    }

    @Test("Other errors need no full disk")
    func otherErrors() {
        for code in ["queueFull", "conditionFailed", "tooManyReaders"] {
            #expect(Self.kinds([Self.failure(code, 10...20)]).isEmpty)
        }
    }

    @Test("A store that refuses writes does so until a recovery")
    func lasting() {
        let refused = Self.failure("writesRefused", 100...110)
        #expect(Self.kinds([refused], full: [10...20]).isEmpty)
        #expect(Self.kinds([refused], full: [10...20], recoveries: [5]).isEmpty)
        let kinds = Self.kinds([refused], full: [10...20], recoveries: [5, 50])
        #expect(kinds == [.unexplainedFailure])
        // Only a refusal lasts.
        let full = Self.failure("diskFull", 100...110)
        #expect(Self.kinds([full], full: [10...20]) == [.unexplainedFailure])
    }

    @Test("A full disk that another operation measured explains a refusal")
    func measured() {
        let refused = Self.failure("writesRefused", 100...110)
        let full = Self.failure("diskFull", 10...20, free: 0)
        #expect(Self.kinds([full, refused]).isEmpty)
        #expect(Self.kinds([full, refused], recoveries: [50]) == [.unexplainedFailure])
    }

    @Test("The error of an unknown outcome counts")
    func unknownOutcome() throws {
        let begun = HistoryEvent(.invoke, at: 1, operation: 1, process: 0, form: "body")
        let doubt = HistoryEvent(
            .info, at: 5, operation: 1, process: 0, form: "body", code: "outcomeUnknown",
            freeByteCount: 32 << 20)
        let history = try History([begun, doubt])
        #expect(history.failures == [Self.failure("outcomeUnknown", 1...5, free: 32 << 20)])
        #expect(Checker.findings(in: history).map(\.kind) == [.unexplainedFailure])
    }

    // MARK: Refusals

    /// An operation that was refused.
    struct Refusal: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// The steps with the conditions.
        let steps: [MicroOperation]
        /// The lists of the returned items.
        let found: [MicroOperation]

        init(_ name: String, _ steps: [MicroOperation], found: [MicroOperation]) {
            (testDescription, self.steps, self.found) = (name, steps, found)
        }

        /// The kinds of the findings.
        var kinds: [Finding.Kind] {
            var operation = History.Operation(
                number: 1, steps: steps, outcome: .failed, invoked: 0, completed: 1)
            operation.refusal = found
            return Checker.findings(in: History(operations: [operation])).map(\.kind)
        }
    }

    private static let one: [MicroOperation] = [
        .read(key: 1, list: [7]), .append(key: 1, value: 8),
    ]
    private static let two: [MicroOperation] = one + [.read(key: 2, list: [])]

    static let wrong = [
        Refusal("the item is as the condition says", one, found: [.read(key: 1, list: [7])]),
        Refusal("no item is there, as the condition says", two, found: [.read(key: 2, list: [])]),
        Refusal(
            "one of two conditions holds", two,
            found: [.read(key: 1, list: []), .read(key: 2, list: [])]),
        Refusal("no action has a reason", one, found: []),
        Refusal(
            "an action without a condition has one", [.append(key: 1, value: 8)],
            found: [.read(key: 1, list: [7])]),
    ]

    static let right = [
        Refusal("a value more", one, found: [.read(key: 1, list: [7, 9])]),
        Refusal("a value less", one, found: [.read(key: 1, list: [])]),
        Refusal("one of two conditions", two, found: [.read(key: 2, list: [5])]),
        Refusal(
            "two conditions", two, found: [.read(key: 1, list: [7, 9]), .read(key: 2, list: [5])]),
    ]

    @Test("A refusal is found if the returned items satisfy the conditions", arguments: wrong)
    func wrongRefusal(refusal: Refusal) { #expect(refusal.kinds == [.wrongRefusal]) }

    @Test("A refusal is accepted if each returned item fails its condition", arguments: right)
    func rightRefusal(refusal: Refusal) { #expect(refusal.kinds.isEmpty) }

    @Test("A refused operation fails, and what it returned is a read")
    func refusalEvent() throws {
        let begun = HistoryEvent(
            .invoke, at: 1, operation: 1, process: 0, form: "update", steps: Self.one)
        let refused = HistoryEvent(
            .refused, at: 5, operation: 1, process: 0, form: "update",
            steps: [.read(key: 1, list: [7, 9])], code: "conditionFailed")
        let history = try History([begun, refused])
        #expect(history.operations.map(\.outcome) == [.failed, .ok])
        #expect(history.operations.map(\.steps) == [Self.one, refused.steps])
        #expect(history.operations.map(\.refusal) == [refused.steps, nil])
        // No operation appended 7 and 9.
        #expect(Checker.findings(in: history).map(\.kind) == [.phantomValue])
        #expect(throws: History.Inconsistent.self) { try History([begun, refused, refused]) }
    }

    // MARK: Attempts

    @Test("A store that accepts no write in many attempts is found")
    func noRecovery() {
        var attempts = RecoveryAttempts()
        for _ in 0..<RecoveryAttempts.countMax { #expect(attempts.add("refused 0") == nil) }
        #expect(attempts.add("refused 0")?.kind == .noRecovery)
    }

    @Test("A store that accepts a write between the attempts is not found")
    func recovery() {
        var attempts = RecoveryAttempts()
        for _ in 0..<3 {
            for _ in 0..<RecoveryAttempts.countMax { #expect(attempts.add("refused 0") == nil) }
            attempts.noteWrite()
        }
    }
}
