import CodexCore
import CodexStore

// What the process keeps between commands: a snapshot, and a cache.

extension SimulatedProcess {
    /// Takes a snapshot in the place of the one that the process holds, and reads with it.
    func hold(_ command: Command) throws -> Answer {
        held = try openStore().holdSnapshot()
        return try heldRead(command)
    }

    /// Reads with the snapshot that the process holds, or tells that it has ended.
    func heldRead(_ command: Command) throws -> Answer {
        guard let held else { throw ProtocolFault(message: "no snapshot is held") }
        let fields = try held.read { snapshot in try Self.read(command, snapshot) }
        guard let fields else { return ["ended": .bool(true)] }
        return .object(fields)
    }

    /// Ends the snapshot that the process holds, if there is one.
    func letGo() -> Answer {
        held?.end()
        return [:]
    }

    /// Reads orders through the cache, each value by itself.
    func cachedRead(_ command: Command) throws -> Answer {
        let cache = try openCache()
        var orders: [Answer] = []
        for number in command.orders ?? [] {
            let order = try cache.get(Lookup<Order>(["number": number]))
            orders.append(order?.shown ?? .null)
        }
        var open: [Answer] = []
        for site in command.sites ?? [] {
            open.append(.list(try cache.all(Order.open(at: site)).map(\.shown)))
        }
        return ["orders": .list(orders), "open": .list(open)]
    }

    private func openCache() throws -> StoreCache {
        if let cache { return cache }
        let made = try StoreCache(try openStore())
        cache = made
        return made
    }
}
