import Testing

@testable import Simulation

/// The model that the checker compares a store with.
@Suite("The model of simulated histories")
struct SimulatedModelTests {
    private static let now = 100

    private static func key(_ s: Int) -> ItemKey { ItemKey("a", s) }

    private static func item(_ s: Int, u: String? = nil, x: Int? = nil) -> ItemImage {
        HandMadeHistory.item(key(s), g: "red", v: s, op: 1, u: u, x: x)
    }

    private static func model(_ items: ItemImage...) -> Model {
        var model = Model()
        for item in items { model.set(item.key, item) }
        return model
    }

    private static func verdict(
        _ model: Model, _ actions: [Action], isList: Bool
    ) -> Model.Verdict {
        model.judge(actions, op: 2, now: now, isList: isList)
    }

    @Test("Two items may exchange their unique values in a list, and not one after the other")
    func exchange() {
        let model = Self.model(Self.item(0, u: "u1"), Self.item(1, u: "u2"))
        let actions = [
            Action(put: Self.item(0, u: "u2")), Action(put: Self.item(1, u: "u1")),
        ]
        guard case .applied(let changes) = Self.verdict(model, actions, isList: true) else {
            Issue.record("The list was refused.")
            return
        }
        #expect(changes.count == 2)
        #expect(Self.verdict(model, actions, isList: false) == .uniqueViolation([0]))
    }

    @Test("A list names the first action that gives a value which is kept, or given before")
    func taken() {
        let model = Self.model(Self.item(0, u: "u1"), Self.item(1, u: "u2"))
        let lists = [
            // The first keeps its own value.
            ([Self.item(0, u: "u1"), Self.item(2, u: "u1")], 1),
            ([Self.item(2, u: "u3"), Self.item(3, u: "u3")], 1),
            ([Self.item(2, u: "u2"), Self.item(3, u: "u2")], 0),
        ]
        for (items, place) in lists {
            let actions = items.map { Action(put: $0) }
            #expect(
                Self.verdict(model, actions, isList: true) == .uniqueViolation([place]))
        }
    }

    @Test("A list that deletes an item that is over can give its value to another")
    func takenFromExpired() {
        let model = Self.model(Self.item(0, u: "u1", x: 100))
        let actions = [Action(delete: Self.key(0)), Action(put: Self.item(1, u: "u1"))]
        guard case .applied(let changes) = Self.verdict(model, actions, isList: true) else {
            Issue.record("The list was refused.")
            return
        }
        #expect(changes.map(\.key) == [Self.key(1)])
    }

    @Test("Conditions of a list look at what was there before, and all that are false are told")
    func conditions() {
        let model = Self.model(Self.item(0))
        let actions = [
            Action(delete: Self.key(0), condition: Requirement(opIs: 9)),
            Action(check: Self.key(1), condition: Requirement(absent: true)),
            Action(
                add: Addition(p: "a", s: 2, by: 1), condition: Requirement(vAtLeast: 0)),
        ]
        #expect(Self.verdict(model, actions, isList: true) == .conditionFailed([0, 2]))
        #expect(Self.verdict(model, actions, isList: false) == .conditionFailed([0]))
    }

    @Test("A deletion finds what its query finds, with what came before it in the write")
    func deletion() {
        var order = Order(number: 1, site: "east", status: "open", parts: [])
        let open = ItemImage(OrderImage(order))
        order.number = 2
        order.status = "done"
        let done = ItemImage(OrderImage(order))
        let model = Self.model(
            Self.item(0), Self.item(1, x: 100), HandMadeHistory.item(ItemKey("b", 0), op: 1), open,
            done)
        let queries: [(Deletion, [ItemKey])] = [
            (Deletion(partition: "a"), [Self.key(0), Self.key(2)]),
            (Deletion(partition: "b"), [ItemKey("b", 0)]),
            (Deletion(group: "red"), [Self.key(0), Self.key(2)]),
            (Deletion(group: "blue"), []),
            (Deletion(site: "east"), [open.key]),
            (Deletion(site: "west"), []),
        ]
        for (deletion, keys) in queries {
            let actions = [Action(put: Self.item(2)), Action(deletion: deletion)]
            let verdict = Self.verdict(model, actions, isList: false)
            guard case .applied(let changes) = verdict else {
                Issue.record("The deletion was refused.")
                continue
            }
            #expect(Set(changes.filter { $0.new == nil }.map(\.key)) == Set(keys))
        }
    }

    @Test("A pass is over by the attribute that decides it, and never without one")
    func lifetime() {
        var pass = HandMadeHistory.item(ItemKey.passes[0], v: 1, op: 1, x: 100)
        pass.y = 101
        var model = Self.model(pass)
        for (lifetime, end) in [(Lifetime.never, Int.max), (Lifetime.x, 100), (Lifetime.y, 101)] {
            model.lifetime = lifetime
            #expect(model.visible(pass.key, at: end - 1) == pass)
            #expect((model.visible(pass.key, at: end) == nil) == (lifetime != .never))
        }
        #expect(model.visibleItems(at: 0).isEmpty)
        #expect(model.passes() == [pass])
        #expect(model.passesByValue() == [pass])
    }

    @Test("An item that is over is absent, gives its unique value free, and counts in totals")
    func expiry() {
        let model = Self.model(Self.item(0, u: "u1", x: 100), Self.item(1, x: 101))
        #expect(model.visible(Self.key(0), at: 99) != nil)
        #expect(model.visible(Self.key(0), at: 100) == nil)
        #expect(model.visibleItems(at: Self.now).count == 1)
        #expect(model.entriesByGroup(at: Self.now).count == 1)
        #expect(model.entriesByUnique(at: Self.now).isEmpty)
        #expect(model.totals().map(\.count) == [2])
        let actions = [
            Action(put: Self.item(2, u: "u1")),
            Action(add: Addition(p: "a", s: 0, by: 7)),
        ]
        guard case .applied(let changes) = Self.verdict(model, actions, isList: false) else {
            Issue.record("The write was refused.")
            return
        }
        #expect(changes.last?.old == nil)
        #expect(changes.last?.new?.v == 7)
        #expect(changes.last?.new?.u == nil)
    }
}
