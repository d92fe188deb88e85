/// Makes what the writes of a program do to orders.
struct OrderGenerator {
    /// The version that each order has if all writes so far succeeded.
    private var versions: [Int: Int] = [:]

    /// The sites of orders.
    static let sites = ["east", "west"]
    private static let statuses: [(weight: Int, element: String)] = [
        (3, "open"), (1, "held"), (2, "done"),
    ]
    private static let numberCount = 5
    private static let badgeCount = 4

    private static let kinds: [(weight: Int, element: OrderAction.Kind)] = [
        (3, .insert), (4, .put), (5, .replace), (5, .update), (2, .delete), (2, .rawPut),
        (3, .rawUpdate),
    ]
    private static let rawKinds = kinds.filter { $0.element.isRaw }

    /// The numbers of all orders.
    static let numbers = Array(0..<numberCount)

    /// The number of an order.
    static func number(_ chance: inout SeededStream) -> Int { chance.below(numberCount) }

    /// An action on an order.
    ///
    /// - Parameters:
    ///   - op: The number of the write.
    ///   - isList: Whether the write is a list, which needs no Swift types.
    ///   - keys: The keys that the write changes already. Those of the action are added.
    ///   - chance: The stream of the program.
    /// - Returns: The action; `nil` if the write changes the order already.
    mutating func action(
        op: Int, isList: Bool, avoiding keys: inout Set<ItemKey>, _ chance: inout SeededStream
    ) -> Action? {
        let number = Self.number(&chance)
        guard keys.insert(Order.key(number)).inserted else { return nil }
        let kind = chance.pick(weighted: isList ? Self.rawKinds : Self.kinds)
        var order = OrderAction(kind: kind, fields: Self.order(number, &chance))
        if kind == .replace || kind == .update, chance.chance(25) {
            let from = Self.number(&chance)
            // A move changes two orders.
            if keys.insert(Order.key(from)).inserted { order.from = from }
        }
        if kind == .replace, chance.chance(60) {
            let likely = versions[order.from ?? number] ?? 1
            order.version = chance.chance(75) ? likely : chance.number(1...4)
        }
        if kind.isRaw, chance.chance(50) { order.note = "n\(op)" }
        var condition: Requirement?
        if kind == .rawUpdate {
            // An update that makes an item would leave out required fields.
            condition = Requirement(absent: false)
        } else if kind == .rawPut, chance.chance(30) {
            condition = Requirement(absent: chance.chance(50))
        }
        note(order)
        return Action(order: order, condition: condition)
    }

    private mutating func note(_ action: OrderAction) {
        let number = action.fields.number
        if let from = action.from { versions[from] = nil }
        if action.kind == .delete {
            versions[number] = nil
        } else {
            versions[number, default: 0] += 1
        }
    }

    private static func order(_ number: Int, _ chance: inout SeededStream) -> Order {
        Order(
            number: number, site: chance.chance(80) ? chance.pick(sites) : nil,
            status: chance.pick(weighted: statuses),
            badge: chance.chance(40) ? "b\(chance.below(badgeCount))" : nil,
            parts: (0..<chance.below(4)).map { "p\($0)" })
    }
}
