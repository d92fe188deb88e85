import Testing

@testable import Simulation

/// Violations of the rules for orders.
extension CheckerTests {
    private static let insertedOrder = Order(
        number: 3, site: "east", status: "open", badge: "b1", parts: ["p0", "p1"], op: 6)
    private static let closedOrder = Order(
        number: 3, site: "east", status: "done", badge: "b1", parts: [], op: 7)

    /// A history in which process 2 inserts an open order, and closes it without its type.
    private static func ordered() -> HandMadeHistory {
        var made = HandMadeHistory()
        let insert = OrderAction(kind: .insert, fields: insertedOrder)
        let update = OrderAction(kind: .rawUpdate, fields: closedOrder, note: "n7")
        made.add(6, 2, [Action(order: insert)], 80, 82, .acknowledged)
        made.add(
            7, 2, [Action(order: update, condition: Requirement(absent: false))], 86, 88,
            .acknowledged)
        let (open, closed) = (
            ItemImage(OrderImage(insertedOrder)), ItemImage(OrderImage(closedOrder, note: "n7"))
        )
        made.history.stream += [
            commit(6, from: nil, to: open), commit(7, from: open, to: closed),
        ]
        made.history.lastSequence = 7
        made.history.segments[1].count = 4
        made.history.scans[0].scan.sequence = 7
        made.history.scans[0].scan.items.append(HandMadeHistory.marker(2, 7))
        made.history.scans[0].scan.orders.items = Scan.Part([closed])
        return made
    }

    /// A commit of process 2 that has the number of its write.
    private static func commit(
        _ sequence: Int, from old: ItemImage?, to new: ItemImage
    ) -> LoggedCommit {
        var change = LoggedChange(new.key, old: old, new: new)
        change.table = "o"
        let marker = LoggedChange(
            ItemKey("marker#2", 0),
            old: old == nil ? nil : HandMadeHistory.marker(2, sequence - 1),
            new: HandMadeHistory.marker(2, sequence), ordinal: 1)
        return LoggedCommit(sequence: sequence, changes: [change, marker])
    }

    @Test("A history with orders has no findings")
    func orders() { #expect(Self.ordered().findings == []) }

    @Test("A derived attribute that a write did not compute again is found")
    func staleDerived() {
        let stales: [WritableKeyPath<OrderImage, String?>] = [\.openSite, \.openBadge]
        for name in stales {
            var made = Self.ordered()
            let old = OrderImage(Self.insertedOrder)
            made.history.stream[5].changes[0].new?.order?[keyPath: name] = old[keyPath: name]
            #expect(made.rules.contains(.replay))
        }
        var made = Self.ordered()
        made.history.stream[5].changes[0].new?.order?.partCount = 2
        #expect(made.rules.contains(.replay))
        made = Self.ordered()
        made.history.scans[0].scan.orders.items.elements?[0].order?.openSite = "east"
        #expect(made.rules == [.finalState])
    }

    @Test("An order that stays in an index or a total is found")
    func staleEntries() {
        let open = Scan.Part([ItemImage(OrderImage(Self.insertedOrder))])
        var made = Self.ordered()
        made.history.scans[0].scan.orders.open = open
        #expect(made.rules == [.finalState])
        made = Self.ordered()
        made.history.scans[0].scan.orders.badges = open
        #expect(made.rules == [.finalState])
        made = Self.ordered()
        made.history.scans[0].scan.orders.totals = [GroupTotal("east")]
        #expect(made.rules == [.finalState])
    }

    @Test("An attribute that a typed write drops is found")
    func dropped() {
        var made = Self.ordered()
        made.history.stream[5].changes[0].new?.order?.note = nil
        #expect(made.rules.contains(.replay))
    }

    @Test("Typed reads are compared with the state")
    func typedReads() {
        var request = Request(.read)
        (request.orders, request.sites) = ([3, 4], ["east", "west"])
        var results = Answer.Results()
        results.sequence = 6
        results.orders = [Self.insertedOrder, nil]
        results.open = [[Self.insertedOrder], []]
        var made = Self.ordered()
        made.history.reads.append(
            History.Read(
                invoked: 83, completed: 85, now: HandMadeHistory.now, request: request,
                results: results))
        #expect(made.findings == [])
        made.history.reads[1].results.orders = [nil, nil]
        #expect(made.rules == [.snapshot])
        made.history.reads[1].results = results
        made.history.reads[1].results.open = [[], []]
        #expect(made.rules == [.snapshot])
    }

    @Test("A refusal of a typed write must be right")
    func typedRefusals() {
        let refusals: [(OrderAction, History.Refusal, isRight: Bool)] = [
            (Self.replacement(3, version: 1), History.Refusal(versionMismatch: [0]), true),
            (Self.replacement(3, version: 2), History.Refusal(versionMismatch: [0]), false),
            (Self.replacement(4), History.Refusal(notFound: [0]), true),
            (Self.replacement(3), History.Refusal(notFound: [0]), false),
        ]
        for (action, refusal, isRight) in refusals {
            var made = Self.ordered()
            made.add(8, 1, [Action(order: action)], 89, 92, .refused(refusal))
            let expected: Set<Finding.Rule> = isRight ? [] : [.refusal]
            #expect(made.rules == expected)
        }
    }

    private static func replacement(_ number: Int, version: Int? = nil) -> OrderAction {
        var order = insertedOrder
        order.number = number
        return OrderAction(kind: .replace, fields: order, version: version)
    }
}
