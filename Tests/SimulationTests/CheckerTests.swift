import Testing

@testable import Simulation

/// Each rule finds a violation that is made by hand.
@Suite("The checker of simulated histories")
struct CheckerTests {
    private typealias Made = HandMadeHistory

    @Test("A correct history has no findings")
    func correct() { #expect(HandMadeHistory().findings == []) }

    // MARK: Rule 1

    @Test("An acknowledged write that is not in the stream is lost")
    func lost() {
        var made = HandMadeHistory()
        made.history.stream.remove(at: 1)
        #expect(made.findings.contains { $0.kind == "an acknowledged write is lost" })
    }

    @Test("A write that is in the stream twice is found")
    func twice() {
        var made = HandMadeHistory()
        made.history.stream[2] = LoggedCommit(
            sequence: 4, changes: made.history.stream[1].changes)
        #expect(made.findings.contains { $0.kind == "a write is in the stream twice" })
    }

    @Test("A refused write in the stream is found, also one that a retry shows to be refused")
    func refused() {
        var made = HandMadeHistory()
        made.history.writes[2]?.attempts[0].outcome = .failed(code: "diskFull")
        #expect(made.findings.contains { $0.kind == "a refused write is in the stream" })
        made = HandMadeHistory()
        made.history.writes[2]?.attempts[0].outcome = .unknown
        #expect(made.findings.isEmpty)
        made.history.writes[2]?.attempts.append(
            History.Attempt(
                invoked: 41, completed: 42, now: Made.now,
                outcome: .refused(History.Refusal(conditionFailed: [0]))))
        #expect(made.findings.contains { $0.kind == "a refused write is in the stream" })
    }

    @Test("A commit that no process sent is found")
    func unsent() {
        var made = HandMadeHistory()
        made.history.writes[2] = nil
        #expect(made.rules.contains(.presence))
    }

    // MARK: Rule 2

    @Test("A write that comes before one that had completed is found")
    func order() {
        var made = HandMadeHistory()
        // The first write had not begun when the second completed.
        made.history.writes[1]?.attempts[0].invoked = 41
        made.history.writes[1]?.attempts[0].completed = 45
        #expect(made.rules.contains(.order))
    }

    // MARK: Rule 3

    @Test("A wrong image is found", arguments: [true, false])
    func image(isOld: Bool) {
        var made = HandMadeHistory()
        var wrong = Made.added
        wrong.v = 8
        if isOld {
            made.history.stream[1].changes[0].old = wrong
        } else {
            made.history.stream[1].changes[0].new = wrong
        }
        #expect(made.rules.contains(.replay))
    }

    @Test("A change that is missing in a commit is found")
    func partial() {
        var made = HandMadeHistory()
        made.history.stream[0].changes.remove(at: 1)
        #expect(made.rules.contains(.replay))
    }

    @Test("A write whose condition was false is found")
    func condition() {
        var made = HandMadeHistory()
        made.history.writes[2]?.actions[0].condition = Requirement(vAtLeast: 6)
        #expect(
            made.findings.contains {
                $0.kind == "a write with a false condition is in the stream"
            })
    }

    @Test("Two items with one unique value are found")
    func unique() {
        var made = HandMadeHistory()
        made.history.writes[1]?.actions[1].put?.u = "u1"
        #expect(
            made.findings.contains {
                $0.kind == "a write with a taken unique value is in the stream"
            })
    }

    @Test("An expiry of an item that is not over is found")
    func expiry() {
        var made = HandMadeHistory()
        made.history.stream[3].changes[0].time = 1999
        #expect(made.findings.contains { $0.kind == "an item was removed that is not over" })
    }

    @Test("A text that was damaged is found")
    func damaged() {
        var made = HandMadeHistory()
        var pad = Pad(1, 30)
        made.history.writes[1]?.actions[0].put?.pad = pad
        pad.damage = "damaged 30 1234"
        made.history.stream[0].changes[0].new?.pad = pad
        #expect(made.rules.contains(.replay))
    }

    // MARK: Rule 4

    @Test("A refusal without a reason is found")
    func refusal() {
        var made = HandMadeHistory()
        made.history.writes[3]?.actions[0].condition = Requirement(opIs: 2)
        #expect(made.rules == [.refusal])
    }

    @Test("A refusal is right if one state of its window gives it, and not if an earlier one does")
    func refusalWindow() {
        var made = HandMadeHistory()
        // Before the first write, there is no item.
        made.add(
            5, 1, [Action(check: Made.first, condition: Requirement(vAtLeast: 0))], 5, 15,
            .refused(History.Refusal(conditionFailed: [0])))
        #expect(made.findings == [])
        made.history.writes[5]?.attempts[0].invoked = 21
        made.history.writes[5]?.attempts[0].completed = 22
        #expect(made.rules == [.refusal])
    }

    // MARK: Rule 5

    @Test("A read of another value is found")
    func read() {
        var made = HandMadeHistory()
        made.history.reads[0].results.items = [Made.added, nil]
        #expect(made.rules == [.snapshot])
    }

    @Test("A read of parts of two commits is found")
    func torn() {
        var made = HandMadeHistory()
        made.history.reads[0].results.markers = ["0": 1, "1": 2]
        #expect(made.rules == [.snapshot])
    }

    @Test("A read that is older than an acknowledged write is found")
    func stale() {
        var made = HandMadeHistory()
        made.history.reads[0].invoked = 45
        made.history.reads[0].completed = 46
        #expect(made.findings.contains { $0.kind == "a read is too old or too new" })
    }

    @Test("A read that sees a write which had not begun is found")
    func early() {
        var made = HandMadeHistory()
        made.history.reads[0].invoked = 5
        made.history.reads[0].completed = 8
        #expect(made.findings.contains { $0.kind == "a read is too old or too new" })
    }

    @Test("Entries and totals of a read are compared")
    func groups() {
        var made = HandMadeHistory()
        made.history.reads[0].results.groups = [[Made.one, Made.two]]
        #expect(made.rules == [.snapshot])
        made = HandMadeHistory()
        made.history.reads[0].results.totals?[0].sum = 9
        #expect(made.rules == [.snapshot])
    }

    @Test("A stream that was another before is found")
    func part() {
        var made = HandMadeHistory()
        made.history.parts[0].commits = []
        #expect(made.rules == [.snapshot])
    }

    // MARK: Rule 6

    @Test("Wrong items, entries and totals at the end are found")
    func lastState() {
        var made = HandMadeHistory()
        made.history.scans[0].scan.items.removeFirst()
        #expect(made.rules == [.finalState])
        made = HandMadeHistory()
        made.history.scans[0].scan.byG.elements = []
        #expect(made.rules == [.finalState])
        made = HandMadeHistory()
        made.history.scans[0].scan.byU.elements?.append(Made.two)
        #expect(made.rules == [.finalState])
        made = HandMadeHistory()
        made.history.scans[0].scan.byV = Scan.Part([])
        #expect(made.rules == [.finalState])
        made = HandMadeHistory()
        made.history.scans[0].scan.totals.elements?[0].count = 2
        #expect(made.rules == [.finalState])
        made = HandMadeHistory()
        made.history.scans[0].scan.byG.elements = nil
        #expect(made.rules == [.finalState])
    }

    @Test("A verification that finds differences, and numbers with a gap, are found")
    func numbers() {
        var made = HandMadeHistory()
        made.history.verifications = [
            Verification(sound: false, differences: ["missing entry in t, index byG"])
        ]
        #expect(made.rules == [.finalState])
        made = HandMadeHistory()
        made.history.segments[1].first = 5
        #expect(made.rules == [.finalState])
        made = HandMadeHistory()
        made.history.lastSequence = 6
        #expect(made.rules == [.finalState])
    }

    @Test("Without the beginning of the stream, only what needs no replay is checked")
    func trimmed() {
        var made = HandMadeHistory()
        made.history.stream.removeFirst()
        (made.history.isWhole, made.history.knownFrom) = (false, 1)
        #expect(made.findings == [])
    }

    // MARK: Rule 7

    @Test("A follower that lacks commits, or differs, is found")
    func follower() {
        var made = HandMadeHistory()
        made.history.copies[0].sequenceMin = 6
        #expect(made.rules == [.copies])
        made = HandMadeHistory()
        made.history.copies[0].scan.sequence = 1
        #expect(made.rules == [.copies])
        made = HandMadeHistory()
        made.history.copies[0].verification = Verification(sound: false, differences: ["x"])
        #expect(made.rules == [.copies])
    }

    @Test("A consumer that left a change out, or counted one twice, is found")
    func consumer() {
        var made = HandMadeHistory()
        for numbers in [["1.0", "1.2"], ["1.0", "1.1", "1.1"]] {
            let item = Made.counter(numbers.count, Made.chain(numbers))
            made.history.stream[2].changes[0].new = item
            #expect(made.rules.contains(.copies))
        }
    }
}
