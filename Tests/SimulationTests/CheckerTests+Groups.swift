import Testing

@testable import Simulation

/// Writes that were sent together, and writes of which the end is not known.
extension CheckerTests {
    private static let key = ItemKey("c", 0)

    /// A history in which process 2 sent three writes together. The second is refused because of
    /// what the first put.
    private static func grouped() -> HandMadeHistory {
        var made = HandMadeHistory()
        let (first, last) = (
            HandMadeHistory.item(key, v: 1, op: 6), HandMadeHistory.item(key, v: 3, op: 8)
        )
        made.add(6, 2, [Action(put: first)], 80, 85, .acknowledged)
        made.add(
            7, 2, [Action(check: key, condition: Requirement(absent: true))], 80, 85,
            .refused(History.Refusal(conditionFailed: [0])))
        made.add(8, 2, [Action(add: Addition(p: "c", s: 0, by: 2))], 80, 85, .acknowledged)
        made.history.groups = [History.Group(ops: [6, 7, 8])]
        made.history.stream.append(
            LoggedCommit(
                sequence: 6,
                changes: [
                    LoggedChange(key, old: nil, new: first),
                    marker(2, from: nil, to: 6, ordinal: 1),
                    LoggedChange(key, old: first, new: last, ordinal: 2),
                    marker(2, from: 6, to: 8, ordinal: 3),
                ]))
        made.history.scans[0].scan.items.insert(last, at: 1)
        made.history.scans[0].scan.items.append(HandMadeHistory.marker(2, 8))
        end(&made, 6)
        return made
    }

    private static func marker(
        _ process: Int, from old: Int?, to new: Int, ordinal: Int = 0
    ) -> LoggedChange {
        LoggedChange(
            ItemKey("marker#\(process)", 0), old: old.map { HandMadeHistory.marker(process, $0) },
            new: HandMadeHistory.marker(process, new), ordinal: ordinal)
    }

    private static func end(_ made: inout HandMadeHistory, _ sequence: Int) {
        made.history.lastSequence = sequence
        made.history.segments[1].count = sequence - 3
        made.history.scans[0].scan.sequence = sequence
    }

    @Test("Writes that were sent together share a commit, and one may be refused")
    func group() { #expect(Self.grouped().findings == []) }

    @Test("Writes share no commit that were not sent together, or in another order")
    func strangers() {
        for ops in [[8, 7, 6], [6, 7]] {
            var made = Self.grouped()
            made.history.groups[0].ops = ops
            #expect(
                made.findings.contains {
                    $0.kind == "writes share a commit that were not sent together in its order"
                })
        }
    }

    @Test("A group in two commits is found, unless a call failed on demand")
    func split() {
        var made = Self.grouped()
        let rest = made.history.stream[4].changes.suffix(2)
        made.history.stream[4].changes.removeLast(2)
        var second = LoggedCommit(sequence: 7, changes: Array(rest))
        for place in second.changes.indices { second.changes[place].ordinal = place }
        made.history.stream.append(second)
        Self.end(&made, 7)
        #expect(
            made.findings.contains { $0.kind == "the writes of a group are in several commits" })
        made.history.groups[0].mayBeSplit = true
        #expect(made.findings == [])
        made.history.groups[0].ops = [8, 7, 6]
        #expect(made.rules.contains(.order))
    }

    @Test("A part of a group whose end is not known is found")
    func tornGroup() {
        var made = Self.grouped()
        for op in 6...8 { made.history.writes[op]?.attempts[0].outcome = .unknown }
        #expect(made.findings == [])
        made.history.stream[4].changes.removeLast(2)
        #expect(
            made.findings.contains { $0.kind == "a write of a group is missing in its commit" })
    }

    @Test("A refusal within a group must be right after the writes before it")
    func neighbour() {
        var made = Self.grouped()
        // It was false before the group alone.
        made.history.writes[7]?.actions[0].condition = Requirement(vAtLeast: 1)
        #expect(made.rules == [.refusal])
    }

    // MARK: Unknown ends

    @Test(
        "A write of a killed process that lands after a later write is found",
        arguments: [false, true])
    func late(isLate: Bool) {
        var made = HandMadeHistory()
        let item = HandMadeHistory.item(ItemKey("b", 0), v: 1, op: 9)
        made.add(9, 1, [Action(put: item)], 80, 85, .acknowledged)
        let put = [
            LoggedChange(item.key, old: nil, new: item),
            Self.marker(1, from: 2, to: 9, ordinal: 1),
        ]
        let deleted = LoggedChange(item.key, old: item, new: nil)
        let marker = Self.marker(0, from: 1, to: 4, ordinal: isLate ? 1 : 0)
        let changes = isLate ? [put, [deleted, marker]] : [[marker], put]
        for (place, changes) in changes.enumerated() {
            made.history.stream.append(LoggedCommit(sequence: 6 + place, changes: changes))
        }
        #expect(made.rules.contains(.order) == isLate)
    }

    /// Lets the read see the second commit before the write of that commit was sent.
    private static func readEarly(_ made: inout HandMadeHistory) {
        made.history.reads[0].invoked = 21
        made.history.reads[0].completed = 25
        var results = made.history.reads[0].results
        results.sequence = 2
        results.items = [HandMadeHistory.added, nil]
        results.groups = [[HandMadeHistory.two, HandMadeHistory.added]]
        results.totals?[0].sum = 10
        results.markers = ["0": 1, "1": 2]
        made.history.reads[0].results = results
    }

    @Test("An attempt that failed for certain does not let a read see the write of the next one")
    func failedAttempt() {
        for outcome in [History.Outcome.failed(code: "diskFull"), .unknown] {
            var made = HandMadeHistory()
            Self.readEarly(&made)
            let first = History.Attempt(
                invoked: 12, completed: 15, now: HandMadeHistory.now, outcome: outcome)
            made.history.writes[2]?.attempts.insert(first, at: 0)
            #expect(made.rules == [.snapshot])
            // The second attempt finds that the first has stored the write.
            made.history.writes[2]?.attempts[1].isRepeat = true
            let expected: Set<Finding.Rule> = outcome == .unknown ? [] : [.presence]
            #expect(made.rules == expected)
        }
    }
}
