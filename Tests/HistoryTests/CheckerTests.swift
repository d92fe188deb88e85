import Histories
import TestSupport
import Testing

/// The checker finds each anomaly, and nothing in correct histories.
@Suite("The checker of histories")
struct CheckerTests {
    /// A history made by hand, and what it shows.
    struct Sample: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let operations: [History.Operation]
        /// `nil` if it is correct.
        var kind: Finding.Kind?
        var isRealTime = false

        init(
            _ name: String, _ kind: Finding.Kind?, isRealTime: Bool = false,
            _ operations: [History.Operation]
        ) {
            (testDescription, self.kind, self.isRealTime) = (name, kind, isRealTime)
            self.operations = operations.enumerated().map { place, operation in
                var operation = operation
                operation.number = place
                return operation
            }
        }
    }

    // MARK: Operations

    private static func append(_ key: Int, _ value: Int) -> MicroOperation {
        .append(key: key, value: value)
    }

    private static func read(_ key: Int, _ list: [Int]) -> MicroOperation {
        .read(key: key, list: list)
    }

    /// An operation that took effect, from a moment to a moment.
    private static func done(
        _ invoked: Int, _ completed: Int, _ steps: MicroOperation...
    ) -> History.Operation {
        History.Operation(number: 0, steps: steps, invoked: invoked, completed: completed)
    }

    private static func failed(_ steps: MicroOperation...) -> History.Operation {
        History.Operation(number: 0, steps: steps, outcome: .failed, invoked: 0, completed: 1)
    }

    private static func unknown(_ steps: MicroOperation...) -> History.Operation {
        History.Operation(number: 0, steps: steps, outcome: .unknown, invoked: 0, completed: nil)
    }

    /// A write without an answer that reads key 3, whose value only another such write read.
    private static func chain(_ list: [Int]) -> [History.Operation] {
        let steps = [[read(3, list), append(2, 20)], [read(2, [20]), append(1, 10)]]
        let writes = steps.enumerated().map { place, steps in
            History.Operation(
                number: 0, steps: steps, outcome: .unknown, invoked: 2 + place, completed: nil)
        }
        return [done(0, 1, append(3, 30))] + writes
            + [done(10, 11, read(1, [10])), done(12, 13, read(3, [30]))]
    }

    // MARK: Anomalies

    static let lists: [Sample] = [
        Sample("a value that no operation appended", .phantomValue, [done(0, 9, read(1, [7]))]),
        Sample(
            "a value of another key", .phantomValue,
            [done(0, 9, append(1, 7)), done(0, 9, read(2, [7]))]),
        Sample(
            "a value twice", .duplicateValue,
            [done(0, 9, append(1, 7)), done(0, 9, read(1, [7, 7]))]),
        Sample(
            "G1a", .abortedRead, [failed(append(1, 7)), done(0, 9, read(1, [7]))]),
        Sample(
            "G1b", .intermediateRead,
            [
                done(0, 9, append(1, 7), append(1, 8)), done(0, 9, read(1, [7])),
                done(0, 9, read(1, [7, 8])),
            ]),
        Sample(
            "an operation that does not see its own append", .internalRead,
            [done(0, 9, append(1, 7), read(1, []))]),
        Sample(
            "an operation that reads two versions", .internalRead,
            [done(0, 9, append(1, 7)), done(0, 9, read(1, []), read(1, [7]))]),
        Sample(
            "two orders", .incompatibleOrder,
            [
                done(0, 9, append(1, 7)), done(0, 9, append(1, 8)),
                done(0, 9, read(1, [7, 8])), done(0, 9, read(1, [8, 7])),
            ]),
        Sample(
            "a value that goes away", .nonMonotonicRead,
            [
                done(0, 9, append(1, 7)), done(1, 2, read(1, [7])), done(3, 4, read(1, [])),
            ]),
        Sample(
            "an acknowledged value that no list has", .lostAppend,
            [done(0, 1, append(1, 7)), done(2, 3, read(1, []))]),
    ]

    static let cycles: [Sample] = [
        Sample(
            "G0", .writeCycle,
            [
                done(0, 9, append(1, 1), append(2, 1)), done(0, 9, append(1, 2), append(2, 2)),
                done(0, 9, read(1, [1, 2])), done(0, 9, read(2, [2, 1])),
            ]),
        Sample(
            "G1c", .circularFlow,
            [
                done(0, 9, append(1, 1), read(2, [2])), done(0, 9, append(2, 2), read(1, [1])),
            ]),
        Sample(
            "G-single", .readSkew,
            [
                done(0, 9, read(1, []), read(2, [2])), done(0, 9, append(1, 1), append(2, 2)),
                done(0, 9, read(1, [1])),
            ]),
        Sample(
            "G2", .writeSkew,
            [
                done(0, 9, read(1, []), append(2, 1)), done(0, 9, read(2, []), append(1, 2)),
                done(0, 9, read(1, [2]), read(2, [1])),
            ]),
        Sample(
            "a lost update", .lostUpdate,
            [
                done(0, 9, read(1, []), append(1, 1)), done(0, 9, read(1, []), append(1, 2)),
                done(0, 9, read(1, [1, 2])),
            ]),
        Sample(
            "a lost update that no operation read", .lostUpdate,
            [
                done(0, 9, read(1, []), append(1, 1)), done(0, 9, read(1, []), append(1, 2)),
            ]),
        Sample(
            "half of a write whose answer is lost", .readSkew,
            [
                unknown(append(1, 1), append(2, 2)), done(5, 6, read(1, [1])),
                done(7, 8, read(1, [1]), read(2, [])),
            ]),
        Sample(
            "writes in another order than the real one", .writeCycle, isRealTime: true,
            [
                done(0, 1, append(1, 1)), done(2, 3, append(1, 2)),
                done(4, 5, read(1, [2, 1])),
            ]),
        Sample(
            "a read of a value before it was appended", .circularFlow, isRealTime: true,
            [done(0, 1, read(1, [1])), done(2, 3, append(1, 1))]),
        Sample(
            "a stale read", .readSkew, isRealTime: true,
            [
                done(0, 1, append(1, 1)), done(2, 3, read(1, [])), done(4, 5, read(1, [1])),
            ]),
        Sample(
            "an old condition of a write that only another one without an answer read", .readSkew,
            isRealTime: true, chain([])),
        Sample(
            "two snapshots that see two writes in opposite orders", .writeSkew,
            [
                done(0, 9, append(1, 1)), done(0, 9, append(2, 2)),
                done(0, 9, read(1, [1]), read(2, [])), done(0, 9, read(1, []), read(2, [2])),
            ]),
    ]

    @Test("Anomalies are found, by their names", arguments: lists + cycles)
    func anomaly(sample: Sample) throws {
        let findings = Checker.findings(in: History(operations: sample.operations))
        #expect(
            findings.contains { $0.kind == sample.kind && $0.isRealTime == sample.isRealTime },
            "\(findings)")
    }

    // MARK: Correct histories

    static let accepted: [Sample] = [
        Sample("nothing", nil, []),
        Sample(
            "one after the other", nil,
            [
                done(0, 1, append(1, 1)), done(2, 3, read(1, [1]), append(1, 2)),
                done(4, 5, read(1, [1, 2]), append(1, 3), read(1, [1, 2, 3])),
            ]),
        Sample(
            "reads beside a write", nil,
            [
                done(0, 9, append(1, 1), append(2, 2)), done(1, 2, read(1, []), read(2, [])),
                done(3, 4, read(1, [1]), read(2, [2])),
            ]),
        Sample(
            "a read that begins as a write ends", nil,
            [done(0, 5, append(1, 1)), done(5, 6, read(1, [])), done(7, 8, read(1, [1]))]),
        Sample(
            "a write without an answer, seen late", nil,
            [unknown(append(1, 1)), done(1, 2, read(1, [])), done(3, 4, read(1, [1]))]),
        Sample(
            "a write without an answer, and never made", nil,
            [unknown(append(1, 1)), done(1, 2, read(1, []))]),
        Sample("two writes without an answer, one of which read the other", nil, chain([30])),
        Sample(
            "a failed write", nil, [failed(read(1, []), append(1, 1)), done(1, 2, read(1, []))]),
        Sample(
            "two values of one operation", nil,
            [done(0, 1, append(1, 1), append(1, 2)), done(2, 3, read(1, [1, 2]))]),
        Sample(
            "values that no operation reads", nil,
            [
                done(0, 1, read(1, []), append(1, 1)), done(2, 3, append(1, 2)),
                done(2, 3, append(1, 3)),
            ]),
    ]

    @Test("Correct histories are accepted", arguments: accepted)
    func correct(sample: Sample) {
        #expect(Checker.findings(in: History(operations: sample.operations)).isEmpty)
    }

    @Test("Histories of a simulated store are accepted", arguments: UInt64(1)...40)
    func simulated(seed: UInt64) {
        let history = SimulatedStore.history(seed: seed, count: 400)
        #expect(Checker.findings(in: history).isEmpty)
        #expect(history.count(.ok) > 300 && history.count(.unknown) > 0)
    }

    @Test("One change of a correct history is found", arguments: HistoryDamage.allCases)
    func damaged(damage: HistoryDamage) {
        var random = SplitMix(seed: 1)
        var count = 0
        for seed in UInt64(1)...40 {
            let history = SimulatedStore.history(seed: seed, count: 300)
            guard let damaged = damage.make(in: history, &random) else { continue }
            count += 1
            #expect(!Checker.findings(in: damaged).isEmpty, "seed \(seed)")
        }
        #expect(count > 30)
    }

    @Test("100,000 operations take a time that grows with their number")
    func large() {
        func seconds(_ count: Int) -> Double {
            let history = SimulatedStore.history(seed: 1, count: count)
            var findings: [Finding] = []
            let time = ContinuousClock().measure { findings = Checker.findings(in: history) }
            #expect(findings.isEmpty)
            return time / Duration.seconds(1)
        }
        let (few, many) = (seconds(10_000), seconds(100_000))
        print("histories: 10,000 operations are checked in \(few) s, 100,000 in \(many) s")
        // Ten times as many; other tests run at the same time.
        #expect(many < few * 60)
    }

    // MARK: Lines

    @Test("Events are read as they were written; a last line that is cut off is ignored")
    func lines() throws {
        let events = [
            HistoryEvent(
                .invoke, at: 1, operation: 5, process: 2, form: "body",
                steps: [.append(key: 1, value: 40), .read(key: -3, list: nil)]),
            HistoryEvent(
                .ok, at: 9_000_000_000_000, operation: 5, process: 2, form: "body",
                steps: [.read(key: 1, list: []), .read(key: 2, list: [1, 2, 33])]),
            HistoryEvent(
                .fail, at: 3, operation: 6, process: 0, form: "get", code: "diskFull"),
            HistoryEvent(
                .fail, at: 4, operation: 7, process: 0, form: "open", code: "diskFull",
                freeByteCount: 4096),
            HistoryEvent(
                .refused, at: 5, operation: 8, process: 0, form: "update",
                steps: [.read(key: 1, list: [2])], code: "conditionFailed"),
        ]
        let bytes = Array(events.map(\.line).joined().utf8)
        #expect(try HistoryReader.events(bytes) == events)
        let firstByteCount = events[0].line.utf8.count
        for count in firstByteCount..<firstByteCount + events[1].line.utf8.count {
            #expect(try HistoryReader.events(Array(bytes[..<count])) == [events[0]])
        }
        #expect(throws: HistoryReader.Malformed.self) {
            try HistoryReader.events(Array(("{}\n" + events[0].line).utf8))
        }
    }

    @Test("Events make operations; another process may end one that it repeats")
    func events() throws {
        let append = MicroOperation.append(key: 1, value: 1)
        let begun = HistoryEvent(
            .invoke, at: 1, operation: 1, process: 0, form: "actions", steps: [append])
        let ended = HistoryEvent(.ok, at: 5, operation: 1, process: 1, form: "actions")
        let doubt = HistoryEvent(.info, at: 2, operation: 1, process: 0, form: "actions")
        let history = try History([ended, doubt, begun])
        #expect(history.operations.map(\.outcome) == [.ok])
        #expect(history.operations.map(\.steps) == [[append]])
        #expect(try History([begun, doubt]).operations.map(\.outcome) == [.unknown])
        for wrong in [[begun, begun], [ended], [begun, ended, ended]] {
            #expect(throws: History.Inconsistent.self) { try History(wrong) }
        }
    }
}
