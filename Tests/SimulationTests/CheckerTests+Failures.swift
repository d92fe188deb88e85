import Testing

@testable import Simulation

/// What is checked after failures.
extension CheckerTests {
    // MARK: Failed flushes

    @Test(
        "A write that is acknowledged between a failed flush and the close of all is found",
        arguments: [(25, Int.max, false), (30, .max, true), (25, 40, true), (25, 41, false)])
    func failedFlush(answered: Int, closed: Int, isRight: Bool) {
        var made = HandMadeHistory()
        // A consumer and a removal of items come after this.
        let last = min(closed, 61)
        made.history.failedFlushes = [History.FailedFlush(answered: answered, closed: last)]
        let expected: Set<Finding.Rule> = isRight ? [] : [.presence]
        #expect(made.rules == expected)
        // A refusal is no acknowledgement.
        made.history.writes[2]?.attempts[0].outcome = .unknown
        #expect(made.findings == [])
    }

    @Test("A consumer that moves, and items that are removed, after a failed flush are found")
    func othersAfterFailedFlush() {
        for (answered, count) in [(60, 2), (61, 1), (75, 0)] {
            var made = HandMadeHistory()
            made.history.failedFlushes = [History.FailedFlush(answered: answered)]
            #expect(made.findings.count == count)
            #expect(made.findings.allSatisfy { $0.rule == .presence })
        }
    }
}

extension CheckerTests {
    // MARK: Histories that were given up

    @Test("Without its beginning, the stream must have the writes that were sent later")
    func lostAfterBeginning() {
        for (invoked, isRight) in [(35, true), (36, false)] {
            var made = HandMadeHistory()
            (made.history.isWhole, made.history.knownFrom) = (false, 1)
            made.history.stream.removeFirst()
            // The read has shown the commit 1 in step 35.
            let item = HandMadeHistory.item(ItemKey("c", 0), op: 5)
            made.add(5, 1, [Action(put: item)], invoked, 45, .acknowledged)
            let expected: Set<Finding.Rule> = isRight ? [] : [.presence]
            #expect(made.rules == expected)
            made.history.knownFrom = 4
            made.history.stream.removeFirst()
            // No answer before the write has shown the commit 4.
            #expect(made.findings == [])
        }
    }

    @Test("Without its beginning, the stream has no refused write, and all in their order")
    func refusedAfterBeginning() {
        var made = HandMadeHistory()
        (made.history.isWhole, made.history.knownFrom) = (false, 1)
        made.history.stream.removeFirst()
        made.history.writes[2]?.attempts[0].outcome = .failed(code: "diskFull")
        #expect(made.rules == [.presence])
        made = HandMadeHistory()
        (made.history.isWhole, made.history.knownFrom) = (false, 1)
        // The first write had not begun when the second completed.
        made.history.writes[1]?.attempts[0].invoked = 41
        made.history.writes[1]?.attempts[0].completed = 45
        #expect(made.rules == [.order])
    }

    @Test("Without its beginning, the parts of the stream that are known are compared")
    func partsAfterBeginning() {
        var made = HandMadeHistory()
        (made.history.isWhole, made.history.knownFrom) = (false, 2)
        let rest = Array(made.history.stream[2...])
        made.history.stream = rest
        made.history.parts = [History.StreamPart(after: 2, last: 5, commits: rest)]
        made.history.copies[0].stream = History.CopiedStream(after: 2, commits: rest)
        #expect(made.findings == [])
        made.history.parts[0].commits = []
        #expect(made.rules == [.snapshot])
        made.history.parts[0].after = 1
        #expect(made.findings == [])
        made.history.copies[0].stream?.commits = []
        #expect(made.rules == [.copies])
    }
}
