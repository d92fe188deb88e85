import Testing

@testable import Simulation

private typealias Sample = HandMadeHistory

/// Reads during which other processes write: in one snapshot, in pages, and by observations.
extension CheckerTests {
    // MARK: One snapshot

    /// A history in which a read and a scan run while the second write is sent and acknowledged.
    ///
    /// The scan has its snapshot after that.
    private static func overlapped() -> Sample {
        var made = Sample()
        (made.history.reads[0].invoked, made.history.reads[0].completed) = (25, 45)
        var total = GroupTotal("red")
        (total.count, total.sum, total.summed) = (2, 10, 2)
        var scan = Sample.scan(2)
        scan.items = [Sample.added, Sample.two, Sample.marker(0, 1), Sample.marker(1, 2)]
        scan.counters = []
        scan.byG = Scan.Part([Sample.two, Sample.added])
        scan.totals = Scan.Part([total])
        made.history.scans.insert(
            History.Look(name: "a scan", invoked: 25, completed: 45, now: Sample.now, scan: scan),
            at: 0)
        return made
    }

    @Test("A read during which another process writes is of one state between its ends")
    func overlappedRead() {
        var made = Self.overlapped()
        #expect(made.findings == [])
        // The snapshot was there before the write was sent.
        made.history.reads[0].completed = 29
        #expect(made.findings == [])
        made.history.reads[0].results.sequence = 2
        #expect(made.findings.contains { $0.kind == "a read is too old or too new" })
    }

    @Test("A read whose second half is of another snapshot is found")
    func splitRead() {
        var made = Self.overlapped()
        made.history.reads[0].results.markers = ["0": 1, "1": 2]
        #expect(made.findings.map(\.kind) == ["a read has other markers"])
        made = Self.overlapped()
        var total = GroupTotal("red")
        (total.count, total.sum, total.summed) = (2, 10, 2)
        made.history.reads[0].results.totals = [total, GroupTotal("blue")]
        #expect(made.findings.map(\.kind) == ["a read has other totals"])
    }

    @Test("A scan whose parts are of two states is found")
    func splitScan() {
        var made = Self.overlapped()
        made.history.scans[0].scan.byG = Scan.Part([Sample.two, Sample.one])
        #expect(made.findings.map(\.kind) == ["a scan has other entries in the index byG"])
        made = Self.overlapped()
        // The write had not been sent when the snapshot was there.
        made.history.scans[0].completed = 29
        #expect(made.findings.contains { $0.kind == "a scan is too old or too new" })
    }

    // MARK: Pages

    /// A history in which a process reads the group "red" in pages of one item.
    ///
    /// The second write comes between the pages.
    private static func paged() -> Sample {
        var made = Sample()
        var request = Request(.pages)
        (request.groups, request.limit) = (["red"], 1)
        var results = Answer.Results()
        results.pages = [
            ItemPage(sequence: 1, items: [Sample.two]),
            ItemPage(sequence: 2, items: [Sample.added]),
        ]
        made.history.pagings = [
            History.Read(
                invoked: 25, completed: 45, now: Sample.now, request: request, results: results)
        ]
        return made
    }

    @Test("Each page is of a state, no earlier than that of the page before")
    func pages() {
        #expect(Self.paged().findings == [])
        var made = Self.paged()
        made.history.pagings[0].results.pages?[1] = ItemPage(sequence: 1, items: [Sample.one])
        #expect(made.findings == [])
        made.history.pagings[0].results.pages?[0].sequence = 2
        #expect(made.findings.map(\.kind) == ["a page is too old or too new"])
        made = Self.paged()
        (made.history.pagings[0].invoked, made.history.pagings[0].completed) = (41, 45)
        #expect(made.findings.map(\.kind) == ["a page is too old or too new"])
    }

    @Test("A page that has an item of another state, or repeats or omits one, is found")
    func pageItems() {
        let wrong = [[Sample.one], [Sample.two], []]
        for items in wrong {
            var made = Self.paged()
            made.history.pagings[0].results.pages?[1].items = items
            #expect(made.findings.map(\.kind) == ["a page has other items"])
        }
    }

    @Test("Pages that end too early, or do not end, are found")
    func pageEnds() {
        var made = Self.paged()
        made.history.pagings[0].results.pages?.removeLast()
        #expect(made.findings.map(\.kind) == ["pages end too early"])
        // A page after a full one may be empty: what followed may be over.
        made = Self.paged()
        made.history.pagings[0].results.pages?.append(ItemPage(sequence: 2, items: []))
        #expect(made.findings == [])
        made.history.pagings[0].results.pages?.append(ItemPage(sequence: 2, items: []))
        #expect(made.findings.map(\.kind) == ["a page follows one that is not full"])
        made.history.pagings[0].results.pages = []
        #expect(made.findings.map(\.kind) == ["a group has no page"])
    }
}

extension CheckerTests {
    // MARK: Observations

    private static let observedOrder = Order(
        number: 3, site: "east", status: "open", parts: ["p0"], op: 6)

    /// A history in which process 2 inserts an order, and process 0 observes it.
    ///
    /// The first command takes the value before the order is there, and the second one takes the
    /// order.
    private static func observed() -> Sample {
        var made = Sample()
        let insert = OrderAction(kind: .insert, fields: observedOrder)
        made.add(6, 2, [Action(order: insert)], 80, 82, .acknowledged)
        let item = ItemImage(OrderImage(observedOrder))
        var change = LoggedChange(item.key, old: nil, new: item)
        change.table = "o"
        let marker = LoggedChange(
            ItemKey("marker#2", 0), old: nil, new: Sample.marker(2, 6), ordinal: 1)
        made.history.stream.append(LoggedCommit(sequence: 6, changes: [change, marker]))
        made.history.lastSequence = 6
        made.history.segments[1].count = 3
        made.history.scans[0].scan.sequence = 6
        made.history.scans[0].scan.items.append(Sample.marker(2, 6))
        made.history.scans[0].scan.orders = OrderScan(
            items: Scan.Part([item]), open: Scan.Part([item]), totals: [Self.total])
        made.history.observations = [
            taking([Delivery(sequence: 5, orders: [nil])], 79, 79),
            taking([Delivery(sequence: 6, orders: [observedOrder])], 81, 84),
        ]
        return made
    }

    private static var total: GroupTotal {
        var total = GroupTotal("east")
        (total.count, total.sum, total.summed) = (1, 1, 1)
        return total
    }

    /// A command that took these values.
    private static func taking(
        _ deliveries: [Delivery], _ invoked: Int, _ completed: Int
    ) -> History.Read {
        var request = Request(.observe)
        request.orders = [3]
        var results = Answer.Results()
        results.deliveries = deliveries
        results.sequence = deliveries.last?.sequence
        results.orders = deliveries.last?.orders
        return History.Read(
            invoked: invoked, completed: completed, now: Sample.now, request: request,
            results: results)
    }

    @Test("Values of an observation are those of their states")
    func observations() {
        #expect(Self.observed().findings == [])
        for place in 0..<2 {
            var made = Self.observed()
            made.history.observations[place].results.deliveries?[0].orders = [
                place == 0 ? Self.observedOrder : nil
            ]
            #expect(made.findings.map(\.kind) == ["an observation has another value"])
        }
    }

    @Test("An observation that misses a change is found")
    func missedChange() {
        var made = Self.observed()
        made.history.observations[1].results.deliveries = []
        made.history.observations[1].results.orders = [nil]
        #expect(made.findings.map(\.kind) == ["an observation has another value"])
        // It may not have been there yet.
        made.history.observations[1].results.sequence = 5
        #expect(made.findings == [])
        (made.history.observations[1].invoked, made.history.observations[1].completed) = (83, 84)
        #expect(made.findings.map(\.kind) == ["an observation is too old or too new"])
    }

    @Test("An observation that goes back, or delivers a value twice, is found")
    func observedTwice() {
        var made = Self.observed()
        made.history.observations[1] = Self.taking(
            [
                Delivery(sequence: 6, orders: [Self.observedOrder]),
                Delivery(sequence: 5, orders: [nil]),
            ], 81, 84)
        #expect(made.findings.map(\.kind).contains("an observation is too old or too new"))
        let value = Delivery(sequence: 6, orders: [Self.observedOrder])
        made.history.observations[1] = Self.taking([value, value], 81, 84)
        #expect(made.findings.map(\.kind) == ["an observation delivers the same value again"])
    }

    @Test("Observed open orders are compared with the state")
    func observedSite() {
        var made = Self.observed()
        made.history.observations[1].request.orders = nil
        made.history.observations[1].request.sites = ["east"]
        let orders = [[Self.observedOrder]]
        made.history.observations[1].results.deliveries = [Delivery(sequence: 6, open: orders)]
        made.history.observations[1].results.orders = nil
        made.history.observations[1].results.open = orders
        #expect(made.findings == [])
        made.history.observations[1].results.open = [[]]
        #expect(made.findings.map(\.kind) == ["an observation has another value"])
    }
}
