import Testing

@testable import Simulation

/// Losses that the replay alone does not show.
extension CheckerTests {
    // MARK: Writes and the stream

    @Test("A token that is not known any more after its write was acknowledged is found")
    func forgotten() {
        let outcomes: [(History.Outcome, isRepeat: Bool, isRight: Bool)] = [
            (.acknowledged, true, true), (.acknowledged, false, false), (.unknown, false, true),
            (.failed(code: "diskFull"), false, true),
            (.refused(History.Refusal(conditionFailed: [0])), false, false),
        ]
        for (outcome, isRepeat, isRight) in outcomes {
            var made = HandMadeHistory()
            var again = History.Attempt(
                invoked: 62, completed: 63, now: HandMadeHistory.now, outcome: outcome)
            again.isRepeat = isRepeat
            made.history.writes[2]?.attempts.append(again)
            let isFound = made.findings.contains {
                $0.kind == "the token of an acknowledged write is not known any more"
            }
            #expect(isFound != isRight)
        }
    }

    @Test("A change that a commit has twice is found")
    func changeTwice() {
        var made = HandMadeHistory()
        made.history.stream[1].changes.insert(made.history.stream[1].changes[0], at: 1)
        #expect(made.rules.contains(.finalState))
        for place in 0..<3 { made.history.stream[1].changes[place].ordinal = place }
        #expect(!made.rules.contains(.finalState))
        #expect(made.findings.contains { $0.kind == "a write changes an item twice" })
    }

    @Test("A change that is missing at the beginning or in the middle of a commit is found")
    func numbering() {
        for place in 0..<2 {
            var made = HandMadeHistory()
            made.history.stream[0].changes.remove(at: place)
            #expect(made.rules.contains(.finalState))
        }
    }

    @Test("A change of another table, or of another kind, is found")
    func form() {
        var made = HandMadeHistory()
        made.history.stream[0].changes[0].table = "e"
        #expect(made.findings.map(\.kind).contains("a change is of another table"))
        for (kind, isRight) in [("INSERT", true), ("MODIFY", false), ("REMOVE", false)] {
            made = HandMadeHistory()
            // The same in all that was read of the stream.
            made.history.copies[0].stream = nil
            made.history.parts = []
            made.history.stream[0].changes[0].kind = kind
            let expected: Set<Finding.Rule> = isRight ? [] : [.replay]
            #expect(made.rules == expected)
        }
    }

    @Test("Changes of a write that are in another order are found")
    func changeOrder() {
        var made = HandMadeHistory()
        made.history.copies[0].stream = nil
        made.history.parts = []
        made.history.stream[0].changes.swapAt(0, 1)
        for place in 0..<3 { made.history.stream[0].changes[place].ordinal = place }
        #expect(
            made.findings.map(\.kind) == ["the changes of a write are in another order"])
    }

    @Test("A deletion of what a query finds deletes all of that, and nothing else")
    func deletion() {
        let (first, second) = (HandMadeHistory.first, HandMadeHistory.second)
        let olds = [first: HandMadeHistory.added, second: HandMadeHistory.two]
        let marker = LoggedChange(
            ItemKey("marker#0", 0), old: HandMadeHistory.marker(0, 1),
            new: HandMadeHistory.marker(0, 9))
        for (deleted, isOver) in [([first, second], false), ([first], true)] {
            var made = HandMadeHistory()
            made.add(9, 0, [Action(deletion: Deletion(group: "red"))], 41, 45, .acknowledged)
            var changes = deleted.map { LoggedChange($0, old: olds[$0], new: nil) } + [marker]
            for place in changes.indices { changes[place].ordinal = place }
            made.history.stream.insert(LoggedCommit(sequence: 3, changes: changes), at: 2)
            // The second item is in the group until it is over.
            if isOver { made.history.writes[9]?.attempts[0].now = 2000 }
            #expect(!made.findings.contains { $0.kind == "a commit has other changes" })
            made.history.writes[9]?.actions[0].deletion = Deletion(group: "blue")
            #expect(made.findings.contains { $0.kind == "a commit has other changes" })
        }
    }

    // MARK: Removals of items that are over

    /// A history in which nothing removed the item that is over.
    private static func unswept() -> HandMadeHistory {
        var made = HandMadeHistory()
        made.history.stream.removeLast()
        made.history.lastSequence = 4
        made.history.segments[1].count = 1
        var total = GroupTotal("red")
        (total.count, total.sum, total.summed) = (2, 10, 2)
        var scan = HandMadeHistory.scan(4)
        scan.totals = Scan.Part([total])
        made.history.scans[0].scan = scan
        made.history.copies[0].scan = scan
        made.history.copies[0].stream = nil
        made.history.sweeps[0].count = 0
        return made
    }

    @Test("A removal that leaves an item which is over is found, unless its limit ended it")
    func leftItem() {
        var made = Self.unswept()
        #expect(made.rules == [.presence])
        made.history.sweeps[0].now = 1999
        #expect(made.findings == [])
        made.history.sweeps[0].now = 2000
        for (limit, isRight) in [(0, true), (1, false)] {
            made.history.sweeps[0].limit = limit
            let expected: Set<Finding.Rule> = isRight ? [] : [.presence]
            #expect(made.rules == expected)
        }
    }

    @Test("An item that was removed without being told of is found")
    func untold() {
        var made = HandMadeHistory()
        made.history.sweeps[0].limit = 0
        made.history.sweeps[0].count = 0
        #expect(made.rules == [.presence])
        // One that was killed tells nothing.
        made.history.sweeps[0].count = nil
        #expect(made.findings == [])
    }

    // MARK: Consumers

    @Test("A consumer that is before or after what it counted, or is gone, is found")
    func consumerPlace() {
        for (place, isRight) in [("1", true), ("1.2", true), ("1.1", false), ("2.0", false)] {
            var made = HandMadeHistory()
            made.history.scans[0].scan.consumers[0].at = place
            let expected: Set<Finding.Rule> = isRight ? [] : [.copies]
            #expect(made.rules == expected)
        }
        var made = HandMadeHistory()
        made.history.scans[0].scan.consumers = []
        #expect(made.rules == [.copies])
    }

    @Test("A consumer that stops within a commit must be there")
    func consumerWithinCommit() {
        for (place, isRight) in [("1.1", true), ("1", false), ("1.2", false), ("1.0", false)] {
            var made = HandMadeHistory()
            let chain = HandMadeHistory.chain(["1.0", "1.1"])
            let item = HandMadeHistory.counter(2, chain)
            made.history.stream[2].changes[0].new = item
            made.history.scans[0].scan.counters = [item]
            made.history.scans[0].scan.consumers[0].at = place
            made.history.copies = []
            made.history.consumptions[0].total = ConsumedTotal(n: 2, chain: chain)
            let expected: Set<Finding.Rule> = isRight ? [] : [.copies]
            #expect(made.rules == expected)
        }
    }

    @Test("A consumer that was moved by no other transaction must not be refused")
    func overtaking() {
        for (invoked, isRight) in [(62, true), (73, false)] {
            var made = HandMadeHistory()
            made.history.overtakings = [
                History.Overtaking(invoked: invoked, completed: 74, consumer: "sum")
            ]
            let expected: Set<Finding.Rule> = isRight ? [] : [.refusal]
            #expect(made.rules == expected)
            made.history.overtakings[0].consumer = "audit"
            #expect(made.rules == [.refusal])
        }
    }

    // MARK: Held snapshots and caches

    @Test("A held snapshot has one clock, of one of its reads")
    func heldClock() {
        var made = HandMadeHistory()
        var request = Request(.heldRead)
        request.items = [HandMadeHistory.second]
        var results = Answer.Results()
        results.sequence = 1
        results.items = [HandMadeHistory.two]
        made.history.reads.append(
            History.Read(
                invoked: 21, completed: 22, now: 2000, request: request, results: results))
        #expect(made.rules == [.snapshot])
        made.history.reads[1].earlierClocks = [1999]
        #expect(made.findings == [])
        made.history.reads[1].results.items = [nil]
        #expect(made.findings == [])
        made.history.reads[1].now = 1999
        #expect(made.rules == [.snapshot])
    }

    @Test("A cache must not show an order that a write had changed before, nor a list")
    func cache() {
        for (invoked, isRight) in [(11, true), (21, false)] {
            var made = HandMadeHistory()
            var request = Request(.cachedRead)
            (request.orders, request.sites) = ([3], ["east"])
            var results = Answer.Results()
            results.orders = [nil]
            results.open = [[]]
            let order = Order(number: 3, site: "east", status: "open", parts: [], op: 1)
            let image = ItemImage(OrderImage(order))
            var change = LoggedChange(image.key, old: nil, new: image, ordinal: 2)
            change.table = "o"
            made.history.writes[1]?.actions.append(
                Action(order: OrderAction(kind: .insert, fields: order)))
            made.history.stream[0].changes[2].ordinal = 3
            made.history.stream[0].changes.insert(change, at: 2)
            let read = History.Read(
                invoked: invoked, completed: 23, now: HandMadeHistory.now, request: request,
                results: results)
            made.history.cachedReads = [read]
            func isFound(_ kind: String) -> Bool { made.findings.contains { $0.kind == kind } }
            #expect(isFound("a cache has other orders") != isRight)
            #expect(isFound("a cache has other open orders") != isRight)
            made.history.cachedReads[0].results.orders = [order]
            made.history.cachedReads[0].results.open = [[order]]
            #expect(!isFound("a cache has other orders"))
            #expect(!isFound("a cache has other open orders"))
            made.history.cachedReads[0].results.orders = []
            #expect(isFound("a cache has other orders"))
        }
    }

    // MARK: Copies

    @Test("A restored store that goes on after its end is found")
    func restoredTooFar() {
        for (end, isRight) in [(5, true), (4, false)] {
            var made = HandMadeHistory()
            made.history.copies[0].sequenceMax = end
            let expected: Set<Finding.Rule> = isRight ? [] : [.copies]
            #expect(made.rules == expected)
        }
    }

    @Test("A copy whose stream lacks a commit, has one twice or begins too late is found")
    func copiedStream() {
        let commits = HandMadeHistory().history.stream
        let streams: [(after: Int, [LoggedCommit], isRight: Bool)] = [
            (0, commits, true), (2, Array(commits[2...]), true), (5, [], true),
            (0, Array(commits.dropLast()), false), (0, commits + [commits[3]], false),
            (1, Array(commits[2...]), false), (0, [], false),
        ]
        for (after, commits, isRight) in streams {
            var made = HandMadeHistory()
            made.history.copies[0].stream = History.CopiedStream(after: after, commits: commits)
            let expected: Set<Finding.Rule> = isRight ? [] : [.copies]
            #expect(made.rules == expected)
        }
    }
}
