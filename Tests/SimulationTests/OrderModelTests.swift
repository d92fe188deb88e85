import Testing

@testable import Simulation

/// The model of orders, the entities of the typed layer.
@Suite("The model of simulated orders")
struct OrderModelTests {
    private static func order(
        _ number: Int, site: String? = "east", status: String = "open", badge: String? = nil,
        partCount: Int = 1
    ) -> Order {
        Order(
            number: number, site: site, status: status, badge: badge,
            parts: (0..<partCount).map { "p\($0)" })
    }

    private static func model(_ orders: Order...) -> Model {
        var model = Model()
        for order in orders { model.set(Order.key(order.number), ItemImage(OrderImage(order))) }
        return model
    }

    private static func action(
        _ kind: OrderAction.Kind, _ order: Order, from: Int? = nil, version: Int? = nil,
        note: String? = nil
    ) -> Action {
        Action(
            order: OrderAction(
                kind: kind, fields: order, from: from, version: version, note: note),
            condition: kind == .rawUpdate ? Requirement(absent: false) : nil)
    }

    private static func verdict(
        _ model: Model, isList: Bool = false, _ actions: Action...
    ) -> Model.Verdict {
        model.judge(actions, op: 7, now: 100, isList: isList)
    }

    private static func changes(
        _ model: Model, isList: Bool = false, _ actions: Action...
    ) -> [Model.Change] {
        let verdict = model.judge(actions, op: 7, now: 100, isList: isList)
        guard case .applied(let changes) = verdict else {
            Issue.record("The write was refused: \(verdict)")
            return []
        }
        return changes
    }

    @Test("A key has the number with ten digits")
    func key() { #expect(Order.key(12) == ItemKey("ORDER#0000000012", 0)) }

    @Test(
        "Derived attributes depend on the status",
        arguments: [
            ("open", "east", "BADGE#b1"), ("held", nil, "BADGE#b1"), ("done", nil, nil),
        ] as [(String, String?, String?)])
    func derived(status: String, openSite: String?, openBadge: String?) {
        let image = OrderImage(Self.order(1, status: status, badge: "b1", partCount: 3))
        #expect(image.openSite == openSite)
        #expect(image.openBadge == openBadge)
        #expect(image.partCount == 3)
    }

    @Test("The index has open orders alone, by site and number of parts")
    func index() {
        let model = Self.model(
            Self.order(0, partCount: 2), Self.order(1, partCount: 1), Self.order(2, site: "west"),
            Self.order(3, status: "held"), Self.order(4, site: nil))
        #expect(model.openOrders().map(\.key) == [1, 0, 2].map { Order.key($0) })
        #expect(model.openOrders(at: "west").map(\.key) == [Order.key(2)])
        #expect(model.orders().count == 5)
        #expect(model.visibleItems(at: 100).isEmpty)
        let totals = model.orderTotals()
        #expect(totals.map(\.g) == ["east", "west"])
        #expect(totals.map(\.count) == [2, 1])
        #expect(totals.map(\.sum) == [3, 1])
    }

    @Test("Typed actions are refused for orders that are missing or there")
    func refusals() {
        let model = Self.model(Self.order(1), Self.order(2))
        #expect(Self.verdict(model, Self.action(.insert, Self.order(1))) == .conditionFailed([0]))
        #expect(Self.verdict(model, Self.action(.update, Self.order(3))) == .notFound([0]))
        #expect(Self.verdict(model, Self.action(.replace, Self.order(3))) == .notFound([0]))
        #expect(
            Self.verdict(model, Self.action(.rawUpdate, Self.order(3))) == .conditionFailed([0]))
        for kind in [OrderAction.Kind.replace, .update] {
            let move = Self.action(kind, Self.order(2), from: 1)
            #expect(Self.verdict(model, move) == .conditionFailed([0]))
        }
        #expect(Self.changes(model, Self.action(.delete, Self.order(3))).isEmpty)
    }

    @Test("A replacement needs the version of the order, which each write raises")
    func versions() {
        var model = Self.model(Self.order(1))
        let replacement = Self.action(.replace, Self.order(1, site: "west"), version: 1)
        #expect(Self.changes(model, replacement).map(\.new?.order?.openSite) == ["west"])
        model.set(Order.key(1), ItemImage(OrderImage(Self.order(1))))
        #expect(Self.verdict(model, replacement) == .versionMismatch([0]))
        let fresh = Self.action(.replace, Self.order(1, site: "west"))
        #expect(Self.changes(model, fresh).count == 1)
        model.set(Order.key(1), nil)
        #expect(Self.verdict(model, replacement) == .versionMismatch([0]))
        model.set(Order.key(1), ItemImage(OrderImage(Self.order(1))))
        #expect(Self.changes(model, replacement).count == 1)
    }

    @Test("An order that moves leaves its key, and takes its badge along")
    func move() {
        let model = Self.model(Self.order(1, badge: "b1"))
        let moved = Self.order(4, badge: "b1")
        for kind in [OrderAction.Kind.replace, .update] {
            let changes = Self.changes(model, Self.action(kind, moved, from: 1))
            #expect(changes.map(\.key) == [Order.key(1), Order.key(4)])
            #expect(changes.map { $0.new == nil } == [true, false])
            #expect(changes.last?.old == nil)
            #expect(changes.last?.new?.order?.openBadge == "BADGE#b1")
            #expect(changes.last?.new?.order?.fields.op == 7)
        }
    }

    @Test("An update changes status and parts alone")
    func update() {
        let model = Self.model(Self.order(1, badge: "b1"))
        let done = Self.order(1, site: "west", status: "done", badge: "b2", partCount: 0)
        for kind in [OrderAction.Kind.update, .rawUpdate] {
            let image = Self.changes(model, Self.action(kind, done)).last?.new?.order
            #expect(image?.fields.site == "east")
            #expect(image?.fields.badge == "b1")
            #expect(image?.openSite == nil)
            #expect(image?.openBadge == nil)
            #expect(image?.partCount == 0)
        }
    }

    @Test("Replacements and updates keep an attribute that the type does not know, puts do not")
    func unknown() {
        var model = Model()
        model.set(Order.key(1), ItemImage(OrderImage(Self.order(1), note: "n3")))
        for kind in OrderAction.Kind.allCases where kind != .insert && kind != .delete {
            let note = Self.changes(model, Self.action(kind, Self.order(1))).last?.new?.order?.note
            let isKept = [OrderAction.Kind.replace, .update, .rawUpdate].contains(kind)
            #expect(note == (isKept ? "n3" : nil))
        }
        let noted = Self.action(.rawUpdate, Self.order(1), note: "n7")
        #expect(Self.changes(model, noted).last?.new?.order?.note == "n7")
    }

    @Test("A badge is free once its order is done: at once in a list, and later in a sequence")
    func badges() {
        let model = Self.model(Self.order(1, badge: "b1"))
        let taken = Self.action(.rawPut, Self.order(2, badge: "b1"))
        let done = Self.action(.rawUpdate, Self.order(1, status: "done"))
        #expect(Self.verdict(model, taken) == .uniqueViolation([0]))
        #expect(Self.verdict(model, taken, done) == .uniqueViolation([0]))
        #expect(Self.changes(model, done, taken).count == 2)
        #expect(Self.changes(model, isList: true, taken, done).count == 2)
        #expect(Self.verdict(model, isList: true, taken) == .uniqueViolation([0]))
        // The badge is taken again with the status.
        let both = Self.model(
            Self.order(1, badge: "b1"), Self.order(2, status: "done", badge: "b1"))
        let open = Self.action(.rawUpdate, Self.order(2))
        for isList in [false, true] {
            #expect(Self.verdict(both, isList: isList, open) == .uniqueViolation([0]))
        }
    }
}
