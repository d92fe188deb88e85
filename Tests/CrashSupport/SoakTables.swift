package import CodexCore
package import CodexStore

/// What the processes of a soak write beside the groups of ``CrashWorkload``: sessions that expire,
/// and ticks, each of which every consumer must see once.
package enum SoakTables {
    package static let sessions = "sessions"
    /// The table of items that nobody removes, for a planted fault.
    package static let kept = "kept"
    private static let ticks = "ticks"
    private static let seen = "seen"
    private static let tickKey = PrimaryKey("tick")

    package static let schema = Schema(tables: [
        CrashWorkload.table,
        TableDefinition(
            sessions, partitionKey: KeyAttribute("id"),
            indexes: [IndexDefinition("byUser", partitionKey: [KeyAttribute("user")])],
            timeToLive: "expires"),
        TableDefinition(kept, partitionKey: KeyAttribute("id")),
        TableDefinition(ticks, partitionKey: KeyAttribute("name")),
        TableDefinition(seen, partitionKey: KeyAttribute("consumer")),
    ])

    private static func number(_ item: Item?) -> Int {
        item?["n"]?.number?.int64.map { Int($0) } ?? 0
    }

    // MARK: Sessions

    /// A session that is over at a time, in seconds since 1970.
    package static func session(_ id: String, user: Int, expires: Int) -> Item {
        [
            "id": .string(id), "user": .string("u\(user)"),
            "expires": .number(Number(expires)),
            "agent": .string(String(repeating: "x", count: 100)),
        ]
    }

    /// How many sessions are stored, also those that are over and not removed yet.
    package static func storedSessionCount(_ store: Store) throws -> Int {
        let trees = try store.stats(of: sessions)
        return trees.first { $0.index == nil && $0.counter == nil }?.entryCount ?? 0
    }

    // MARK: Ticks

    /// Adds 1 to the tick.
    package static func tick(_ transaction: inout WriteTransaction) throws {
        let last = number(try transaction.item(in: ticks, key: tickKey))
        try transaction.put(["name": "tick", "n": .number(Number(last + 1))], in: ticks)
    }

    package static func lastTick(_ store: Store) throws -> Int {
        number(try store.item(in: ticks, key: tickKey))
    }

    // MARK: Consumers

    package static func consumer(_ number: Int) -> String { "consumer-\(number)" }

    /// Registers a consumer, before there is any tick.
    package static func addConsumer(_ number: Int, to store: Store) async throws {
        try await store.addConsumer(
            consumer(number), after: .trimHorizon, filter: ChangeFilter(tables: [ticks]))
    }

    /// Lets a consumer see all ticks that there are.
    ///
    /// - Parameters:
    ///   - consumer: The consumer's name.
    ///   - store: The store.
    /// - Returns: Whether it started over, since its changes were not retained.
    /// - Throws: ``CrashFinding`` if a tick is missing or comes twice, and what consuming throws.
    package static func catchUp(_ consumer: String, in store: Store) async throws -> Bool {
        do {
            try await store.consume(consumer, until: .caughtUp) { transaction, changes in
                try see(changes, as: consumer, &transaction)
            }
            return false
        } catch let error as CodexError where error.code == .changesTrimmed {
            try await store.rebuildConsumer(consumer) { transaction in
                try startOver(consumer, &transaction)
            }
            return true
        }
    }

    /// The last tick that a consumer has seen.
    package static func lastSeen(by consumer: String, in store: Store) throws -> Int {
        number(try store.item(in: seen, key: PrimaryKey(.string(consumer))))
    }

    private static func see(
        _ changes: [ChangeRecord], as consumer: String, _ transaction: inout WriteTransaction
    ) throws {
        let key = PrimaryKey(.string(consumer))
        let last = number(try transaction.item(in: seen, key: key))
        let numbers = try changes.map { change in number(try change.newImage) }
        try note(try requireOrder(numbers, after: last), consumer, &transaction)
    }

    private static func startOver(
        _ consumer: String, _ transaction: inout WriteTransaction
    ) throws {
        let last = number(try transaction.item(in: ticks, key: tickKey))
        try note(last, consumer, &transaction)
    }

    private static func note(
        _ tick: Int, _ consumer: String, _ transaction: inout WriteTransaction
    ) throws {
        try transaction.put(
            ["consumer": .string(consumer), "n": .number(Number(tick))], in: seen)
    }

    /// The last of some ticks.
    ///
    /// - Parameters:
    ///   - ticks: The ticks, in the order in which they came.
    ///   - last: The tick that was seen before.
    /// - Returns: The last of them; without any, the one before.
    /// - Throws: ``CrashFinding`` unless each tick is one more than the tick before it.
    package static func requireOrder(_ ticks: [Int], after last: Int) throws -> Int {
        var last = last
        for tick in ticks {
            guard tick == last + 1 else {
                throw CrashFinding(description: "a consumer sees tick \(tick) after \(last)")
            }
            last = tick
        }
        return last
    }
}

extension StoreOptions {
    /// The bounds of a soak: a log that is soon as long as it may be, and sessions that are removed
    /// as soon as they are over.
    package static var soaking: StoreOptions {
        var options = StoreOptions()
        options.checkpoints.interval = .milliseconds(500)
        options.logSegmentByteCountMax = 2 << 20
        options.changeRetention = ChangeRetention(age: .seconds(3600), byteCount: 32 << 20)
        options.clockConfirmation = .zero
        return options
    }
}
