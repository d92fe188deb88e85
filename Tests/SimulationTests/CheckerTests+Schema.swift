import Testing

@testable import Simulation

/// What comes and goes: an index, a counter, and the time to live of passes.
extension CheckerTests {
    static func change(
        _ part: History.SchemaPart, _ name: String?, _ invoked: Int, _ completed: Int,
        _ outcome: History.SchemaChange.Outcome = .made
    ) -> History.SchemaChange {
        History.SchemaChange(
            part: part, name: name, invoked: invoked, completed: completed, outcome: outcome)
    }

    @Test("An index that was added must be there, and one that was removed must not")
    func index() {
        var made = HandMadeHistory()
        made.history.schemaChanges = [Self.change(.index, "byV", 62, 64)]
        #expect(made.rules == [.finalState])
        made.history.scans[0].scan.byV = Scan.Part([HandMadeHistory.added])
        #expect(made.findings == [])
        made.history.schemaChanges.append(Self.change(.index, nil, 66, 68))
        #expect(made.rules == [.finalState])
        made.history.schemaChanges[1].outcome = .unknown
        #expect(made.findings == [])
        made.history.scans[0].scan.byV = nil
        #expect(made.findings == [])
    }

    @Test("A counter that was added must be there, and have the totals of the other")
    func counter() {
        var made = HandMadeHistory()
        made.history.schemaChanges = [Self.change(.counter, "addedPerG", 62, 64)]
        #expect(made.rules == [.finalState])
        let totals = made.history.scans[0].scan.totals
        made.history.scans[0].scan.addedTotals = totals
        #expect(made.findings == [])
        made.history.scans[0].scan.addedTotals?.elements?[0].count = 2
        #expect(made.rules == [.finalState])
        made.history.scans[0].scan.addedTotals = totals
        made.history.schemaChanges = []
        #expect(made.rules == [.finalState])
    }

    @Test("An index that is unknown although it was added is found")
    func unknownIndex() {
        var made = HandMadeHistory()
        made.history.schemaChanges = [
            Self.change(.index, nil, 55, 58, .refused), Self.change(.index, "byV", 62, 64),
            Self.change(.index, nil, 70, 90),
        ]
        #expect(made.findings == [])
        made.history.schemaChanges.append(Self.change(.index, nil, 66, 68, .refused))
        #expect(made.rules == [.refusal])
    }

    @Test("A time to live that is refused because of another one needs the other one")
    func otherTimeToLive() {
        var made = HandMadeHistory()
        made.history.schemaChanges = [
            Self.change(.timeToLive, "x", 62, 64), Self.change(.timeToLive, "x", 66, 68, .refused),
        ]
        #expect(made.findings == [])
        made.history.schemaChanges[0].name = "y"
        #expect(made.rules == [.refusal])
    }

    @Test("An index that has not the layout which it was given last is found")
    func layouts() {
        var made = HandMadeHistory()
        made.history.scans[0].scan.layouts = ["byG": "copies", "byU": "references"]
        #expect(made.findings == [])
        made.history.scans[0].scan.layouts = ["byG": "references", "byU": "references"]
        #expect(made.rules == [.finalState])
        made.history.schemaChanges = [Self.change(.layout("byU"), "references", 62, 64)]
        #expect(made.rules == [.finalState])
        made.history.schemaChanges.append(Self.change(.layout("byG"), "references", 66, 68))
        #expect(made.findings == [])
        // A change that is not at its end.
        made.history.scans[0].scan.layouts?["byG"] = "copies, then references"
        #expect(made.rules == [.finalState])
        made.history.scans[0].scan.layouts?["byG"] = "copies"
        #expect(made.rules == [.finalState])
        made.history.schemaChanges.append(Self.change(.layout("byG"), "copies", 67, 69, .unknown))
        #expect(made.findings == [])
    }

    @Test("A copy may have earlier layouts, but no change that is not at its end")
    func layoutsOfCopies() {
        var made = HandMadeHistory()
        for layout in ["copies", "references"] {
            made.history.copies[0].scan.layouts = ["byG": layout, "byU": "references"]
            #expect(made.findings == [])
        }
        made.history.copies[0].scan.layouts?["byG"] = "copies, then references"
        #expect(made.rules == [.copies])
    }

    @Test("An index or counter that is not built at the end is found")
    func unbuilt() {
        var made = HandMadeHistory()
        made.history.schemaChanges = [Self.change(.index, "byV", 62, 64)]
        var part = Scan.Part<ItemImage>([])
        (part.elements, part.code) = (nil, "indexNotReady")
        made.history.scans[0].scan.byV = part
        #expect(made.rules == [.finalState])
        made.history.scans[0].isBuilt = false
        #expect(made.findings == [])
        made = HandMadeHistory()
        made.history.schemaChanges = [Self.change(.counter, "addedPerG", 62, 64)]
        var totals = Scan.Part<GroupTotal>([])
        (totals.elements, totals.code) = (nil, "indexNotReady")
        made.history.scans[0].scan.addedTotals = totals
        #expect(made.rules == [.finalState])
        made.history.scans[0].isBuilt = false
        #expect(made.findings == [])
    }

    // MARK: Passes

    private static let pass: ItemImage = {
        var pass = HandMadeHistory.item(ItemKey.passes[0], v: 1, op: 6, x: 1000)
        pass.y = 3000
        return pass
    }()

    /// A history in which process 2 puts a pass that is over in second 1000, if an attribute
    /// decides it, and in second 3000 by another one.
    private static func passing() -> HandMadeHistory {
        var made = HandMadeHistory()
        made.add(6, 2, [Action(put: pass)], 80, 82, .acknowledged)
        var change = LoggedChange(pass.key, old: nil, new: pass)
        change.table = "e"
        let marker = LoggedChange(
            ItemKey("marker#2", 0), old: nil, new: HandMadeHistory.marker(2, 6), ordinal: 1)
        made.history.stream.append(LoggedCommit(sequence: 6, changes: [change, marker]))
        made.history.lastSequence = 6
        made.history.segments[1].count = 3
        made.history.scans[0].scan.sequence = 6
        made.history.scans[0].scan.items.append(HandMadeHistory.marker(2, 6))
        made.show([pass])
        return made
    }

    @Test("Passes are over if the time to live was added last, and not if it was removed")
    func passes() {
        var made = Self.passing()
        #expect(made.findings == [])
        made.show([])
        #expect(made.rules == [.finalState])
        made.history.schemaChanges = [Self.change(.timeToLive, "x", 84, 85)]
        #expect(made.findings == [])
        made.show([Self.pass])
        #expect(made.rules == [.finalState])
        made.history.schemaChanges.append(Self.change(.timeToLive, nil, 86, 87))
        #expect(made.findings == [])
        made.history.schemaChanges.append(Self.change(.timeToLive, "y", 88, 89))
        #expect(made.findings == [])
        made.history.scans[0].now = 3000
        #expect(made.findings.contains { $0.kind == "the store has other passes" })
    }

    @Test("A copy that shows passes which were over in its state is found")
    func passesOfCopies() {
        var made = Self.passing()
        made.history.schemaChanges = [Self.change(.timeToLive, "x", 84, 85)]
        made.history.builds = [History.Build(invoked: 86, completed: 87)]
        made.history.copies[0].scan = made.history.scans[0].scan
        made.history.copies[0].stream = nil
        made.show([])
        // Its state may be of any step.
        #expect(made.findings == [])
        made.history.copies[0].newestSteps = 82...83
        #expect(made.findings == [])
        made.history.copies[0].newestSteps = 88...89
        #expect(made.rules == [.copies])
        made.history.copies[0].scan.passes = PassScan()
        #expect(made.findings == [])
    }

    @Test("An entry of a pass that its table does not show is found")
    func passEntry() {
        var made = Self.passing()
        made.history.scans[0].scan.passes.byV = Scan.Part([])
        #expect(made.rules == [.finalState])
        made = Self.passing()
        made.history.scans[0].scan.passes.byV = Scan.Part([Self.pass, Self.pass])
        #expect(made.rules == [.finalState])
    }

    @Test("Until the builder is done, passes may not be over yet")
    func unsettledPasses() {
        for (build, isRight) in [(nil, true), (86, false), (83, true)] as [(Int?, Bool)] {
            var made = Self.passing()
            made.show([])
            made.history.schemaChanges = [Self.change(.timeToLive, "x", 84, 85)]
            if let build {
                made.history.builds = [History.Build(invoked: build, completed: build + 1)]
            }
            made.add(read: [Self.pass])
            let expected: Set<Finding.Rule> = isRight ? [] : [.snapshot]
            #expect(made.rules == expected)
            made.add(read: [nil])
            #expect(made.findings == [])
        }
    }

    @Test("A change of the time to live that may still come leaves both states possible")
    func unknownTimeToLive() {
        var made = Self.passing()
        made.history.schemaChanges = [Self.change(.timeToLive, "x", 84, 85, .unknown)]
        made.history.builds = [History.Build(invoked: 86, completed: 87)]
        for shown in [[Self.pass], []] {
            made.show(shown)
            for read in [Self.pass, nil] {
                made.add(read: [read])
                #expect(made.findings == [])
            }
        }
    }

    @Test("A write that takes a pass for over, or removes it, needs a time to live")
    func overwrittenPass() {
        for isRight in [false, true] {
            var made = Self.passing()
            let added = HandMadeHistory.item(Self.pass.key, v: 2, op: 7)
            made.add(
                7, 2, [Action(add: Addition(p: added.p, s: 0, by: 2))], 86, 88, .acknowledged,
                now: 2000)
            var expired = LoggedChange(Self.pass.key, old: Self.pass, new: nil, isExpiry: true)
            var change = LoggedChange(added.key, old: nil, new: added, ordinal: 1)
            (expired.table, change.table) = ("e", "e")
            let marker = LoggedChange(
                ItemKey("marker#2", 0), old: HandMadeHistory.marker(2, 6),
                new: HandMadeHistory.marker(2, 7), ordinal: 2)
            made.history.stream.append(
                LoggedCommit(sequence: 7, changes: [expired, change, marker]))
            made.history.lastSequence = 7
            made.history.segments[1].count = 4
            made.history.scans[0].scan.sequence = 7
            made.history.scans[0].scan.items.removeLast()
            made.history.scans[0].scan.items.append(HandMadeHistory.marker(2, 7))
            made.show([added])
            if isRight { made.history.schemaChanges = [Self.change(.timeToLive, "x", 84, 85)] }
            let expected: Set<Finding.Rule> = isRight ? [] : [.replay]
            #expect(made.rules == expected)
        }
    }
}

extension HandMadeHistory {
    /// Lets the last scan show passes.
    fileprivate mutating func show(_ passes: [ItemImage]) {
        history.scans[0].scan.passes = PassScan(items: Scan.Part(passes), byV: Scan.Part(passes))
    }

    /// Lets a read that begins in step 89, at second 2000, show the first pass.
    fileprivate mutating func add(read passes: [ItemImage?]) {
        var request = Request(.read)
        request.passes = [ItemKey.passes[0]]
        var results = Answer.Results()
        results.sequence = 6
        results.passes = passes
        history.reads = [
            History.Read(
                invoked: 89, completed: 89, now: 2000, request: request, results: results)
        ]
    }
}
