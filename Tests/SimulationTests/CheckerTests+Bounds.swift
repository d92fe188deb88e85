import Testing

@testable import Simulation

/// What answers tell of the order, and what is checked without a replay.
extension CheckerTests {
    // MARK: What was shown

    @Test("A commit that is older than an acknowledged write is found in other answers")
    func oldSighting() {
        var made = HandMadeHistory()
        made.history.sightings[0].sequence = 1
        #expect(made.rules == [.snapshot])
        made.history.sightings[0].isNewest = false
        #expect(made.findings == [])
    }

    @Test("A read that is older than what another answer showed is found")
    func shown() {
        var made = HandMadeHistory()
        made.history.sightings.append(
            History.Sighting(
                name: .changes, invoked: 21, completed: 24, sequence: 2, isNewest: false))
        #expect(made.rules == [.snapshot])
    }

    @Test("An answer that shows a commit which had not begun is found")
    func shownEarly() {
        for (completed, isRight) in [(9, false), (10, true)] {
            var made = HandMadeHistory()
            made.history.sightings.append(
                History.Sighting(
                    name: .changes, invoked: 5, completed: completed, sequence: 1, isNewest: false))
            let expected: Set<Finding.Rule> = isRight ? [] : [.snapshot]
            #expect(made.rules == expected)
        }
    }

    @Test("A read that is older than the state which refused a write is found")
    func refusedBefore() {
        var made = HandMadeHistory()
        made.history.writes[2]?.attempts[0].invoked = 21
        made.history.reads[0].invoked = 30
        #expect(made.findings == [])
        made.add(
            5, 1, [Action(check: HandMadeHistory.first, condition: Requirement(opIs: 1))], 26, 28,
            .refused(History.Refusal(conditionFailed: [0])))
        #expect(made.rules == [.snapshot])
    }

    @Test("A lost transaction of a consumer, and a lost removal of items, are found")
    func lostOthers() {
        var made = HandMadeHistory()
        made.history.consumptions[0].total.n = 4
        #expect(made.rules == [.presence])
        made = HandMadeHistory()
        made.history.sweeps[0].count = 2
        #expect(made.rules == [.presence])
    }

    @Test("A removal by a process whose clock did not say so is found")
    func earlySweep() {
        for (now, completed) in [(1999, 78), (2000, 60)] {
            var made = HandMadeHistory()
            made.history.sweeps[0].now = now
            made.history.sweeps[0].completed = completed
            made.history.sweeps[0].invoked = completed - 3
            #expect(made.findings.contains { $0.kind == "an item was removed that is not over" })
        }
    }

    @Test("A unique value that is taken is found at its action alone", arguments: [0, 1])
    func uniquePlace(place: Int) {
        var made = HandMadeHistory()
        let items = [
            HandMadeHistory.item(ItemKey("c", 0), op: 5),
            HandMadeHistory.item(ItemKey("c", 1), op: 5, u: "u1"),
        ]
        made.add(
            5, 1, items.map { Action(put: $0) }, 41, 45,
            .refused(History.Refusal(uniqueViolation: [place])))
        let expected: Set<Finding.Rule> = place == 1 ? [] : [.refusal]
        for isList in [false, true] {
            made.history.writes[5]?.isList = isList
            #expect(made.rules == expected)
        }
    }

    // MARK: Histories that were given up

    @Test("Copies of a store that gave up its history are verified")
    func trimmedCopy() {
        var made = HandMadeHistory()
        made.history.stream.removeFirst()
        (made.history.isWhole, made.history.knownFrom) = (false, 1)
        made.history.copies[0].verification = Verification(sound: false, differences: ["x"])
        #expect(made.rules == [.copies])
        made.history.copies[0].verification = nil
        made.history.copies[0].sequenceMin = 6
        #expect(made.rules == [.copies])
    }

    @Test("A consumer that began late must have counted each change since a commit")
    func lateConsumer() {
        for (numbers, isRight) in [(["2.0", "2.1"], true), (["1.1", "1.2"], false)] {
            var made = HandMadeHistory()
            let chain = HandMadeHistory.chain(numbers)
            let item = HandMadeHistory.counter(numbers.count, chain)
            made.history.stream[2].changes[0].new = item
            made.history.scans[0].scan.counters = [item]
            made.history.scans[0].scan.consumers[0].at = numbers[1]
            made.history.copies[0].scan.counters = [item]
            made.history.copies[0].scan.consumers[0].at = numbers[1]
            made.history.copies[0].stream = nil
            made.history.consumptions[0].total = ConsumedTotal(n: numbers.count, chain: chain)
            #expect(made.rules == [.copies])
            made.history.isTrimmed = true
            let expected: Set<Finding.Rule> = isRight ? [] : [.copies]
            #expect(made.rules == expected)
        }
    }
}
