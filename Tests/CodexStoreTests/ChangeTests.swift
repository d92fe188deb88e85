import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Synchronization
import TestSupport
import Testing

/// The stream of changes, and consumers with checkpoints.
@Suite("Changes")
struct ChangeTests {
    static let schema = AgentTable.schema(indexes: [AgentTable.byG])

    static func item(_ number: Int, _ partition: String = "p", value: Int = 0) -> Item {
        [
            "p": .string(partition), "s": .string("s\(number)"), "g": .string("g\(number % 3)"),
            "v": .number(Number(value)),
        ]
    }

    static func key(_ number: Int, _ partition: String = "p") -> PrimaryKey {
        PrimaryKey(.string(partition), .string("s\(number)"))
    }

    /// The next changes of a stream.
    func take(_ count: Int, _ changes: Changes) async throws -> [ChangeRecord] {
        var taken: [ChangeRecord] = []
        for try await change in changes {
            taken.append(change)
            if taken.count == count { break }
        }
        return taken
    }

    @Test("Inserts, changes and removals come in order, with both images; no change has no record")
    func records() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        try await store.write { transaction in
            try transaction.put(Self.item(1), in: "t")
            try transaction.put(Self.item(2), in: "t")
        }
        _ = try await store.write { try $0.put(Self.item(1), in: "t") }
        _ = try await store.write { try $0.put(Self.item(1, value: 7), in: "t") }
        try await store.write { transaction in
            try transaction.delete(in: "t", key: Self.key(2))
            try transaction.delete(in: "t", key: Self.key(3))
        }
        let changes = try await take(4, store.changes(after: .trimHorizon))
        #expect(changes.map(\.kind) == [.insert, .insert, .modify, .remove])
        #expect(try changes.map { try $0.key } == [1, 2, 1, 2].map { Self.key($0) })
        #expect(changes.map(\.sequenceNumber.ordinal) == [0, 1, 0, 0])
        #expect(
            zip(changes, changes.dropFirst()).allSatisfy { $0.sequenceNumber < $1.sequenceNumber })
        #expect(try changes[2].oldImage == Self.item(1))
        #expect(try changes[2].newImage == Self.item(1, value: 7))
        #expect(try changes[3].newImage == nil)
        #expect(changes.allSatisfy { $0.table == "t" && !$0.isExpiry })
        for view in StreamView.allCases {
            let change = try await take(3, store.changes(after: .trimHorizon, view: view))[2]
            let hasNew = view == .newImage || view == .newAndOldImages
            let hasOld = view == .oldImage || view == .newAndOldImages
            #expect(try (change.newImage != nil) == hasNew)
            #expect(try (change.oldImage != nil) == hasOld)
        }
        let rest = try await take(
            1, store.changes(after: .sequenceNumber(changes[2].sequenceNumber)))
        #expect(rest[0].sequenceNumber == changes[3].sequenceNumber)
        let second = try await take(
            1, store.changes(after: .sequenceNumber(changes[0].sequenceNumber)))
        #expect(second[0].sequenceNumber == changes[1].sequenceNumber, "within a commit")
    }

    @Test("A body that failed has no changes, the others of its group have theirs")
    func failedBody() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        struct Refusal: Error {}
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<40 {
                group.addTask {
                    try? await store.write { transaction in
                        try transaction.put(Self.item(number), in: "t")
                        if number % 4 == 0 { throw Refusal() }
                    }
                }
            }
        }
        let changes = try await take(30, store.changes(after: .trimHorizon))
        let keys = Set(try changes.map { try $0.key })
        #expect(keys == Set((0..<40).filter { $0 % 4 != 0 }.map { Self.key($0) }))
        #expect(try store.verify().isSound)
    }

    @Test("Filters by table, entity, key prefix and kind")
    func filters() async throws {
        let temporary = try TemporaryStore()
        let store = temporary.store
        try await store.put(SeedTests.user)
        try await store.put(SeedTests.task)
        try await store.write { _ = try $0.delete(.task("789", in: "456")) }
        _ = try await store.write { try $0.put(["PK": "X#1", "SK": "Y#1"], in: "codexflow-main") }
        func kinds(_ filter: ChangeFilter, _ count: Int) async throws -> [String] {
            try await take(count, store.changes(after: .trimHorizon, filter: filter)).map {
                "\($0.kind) \(try $0.entity ?? "-")"
            }
        }
        let task = CodexFlow.Task.definition.name
        let user = CodexFlow.User.definition.name
        #expect(
            try await kinds(ChangeFilter(entities: [task]), 2) == [
                "insert \(task)", "remove \(task)",
            ])
        #expect(
            try await kinds(ChangeFilter(partitionKeyPrefix: "USER#"), 1) == ["insert \(user)"])
        #expect(try await kinds(ChangeFilter(sortKeyPrefix: "Y#"), 1) == ["insert -"])
        #expect(try await kinds(ChangeFilter(kinds: [.remove]), 1) == ["remove \(task)"])
        let typed = try await take(2, store.changes(after: .trimHorizon))
        #expect(try typed[0].new(as: CodexFlow.User.self) == SeedTests.user)
        #expect(try typed[0].new(as: CodexFlow.Task.self) == nil)
        #expect(try typed[1].new(as: CodexFlow.Task.self) == SeedTests.task)
    }

    @Test("A reader at the end gets what is committed from now on, and ends with the store")
    func tail() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        _ = try await store.write { try $0.put(Self.item(0), in: "t") }
        var iterator = store.changes(after: .latest).makeAsyncIterator()
        for number in 1...20 {
            async let write: Void = store.write { _ = try $0.put(Self.item(number), in: "t") }
            let change = try #require(try await iterator.next())
            try await write
            #expect(try change.key == Self.key(number))
        }
        let waiting = _Concurrency.Task { try await take(1, store.changes(after: .latest)) }
        let cancelled = _Concurrency.Task { try await take(1, store.changes(after: .latest)) }
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        store.close()
        await #expect(throws: CodexError(.closed, "")) { try await waiting.value }
    }

    @Test("Sequence numbers as text, and those that are not there")
    func numbers() async throws {
        for text in ["5", "5.0", "18446744073709551615.3"] {
            #expect(SequenceNumber(text)?.description == text)
        }
        for text in ["", ".", "5.", ".5", "5.5.5", "-1", "x", "5.-1"] {
            #expect(SequenceNumber(text) == nil, "\(text)")
        }
        let temporary = try TemporaryStore(schema: Self.schema)
        _ = try await temporary.store.write { try $0.put(Self.item(0), in: "t") }
        let future = temporary.store.changes(
            after: .sequenceNumber(SequenceNumber(commit: 99)))
        await #expect(throws: CodexError(.invalidArgument, "")) { try await take(1, future) }
    }

    /// Options with a log so short that its beginning goes.
    static var shortLog: StoreOptions {
        var options = StoreOptions()
        options.logSegmentByteCountMax = 256 << 10
        options.changeRetention = ChangeRetention(byteCount: 512 << 10)
        options.checkpoints.changeCount = 100
        options.checkpoints.interval = .milliseconds(20)
        return options
    }

    /// Writes until changes are trimmed.
    func trim(_ store: Store) async throws {
        // Not to be compressed.
        let filler = AttributeValue.binary((0..<30_000).map { _ in .random(in: 0...255) })
        var number = 0
        while try store.stats().trimmedSequence == 0 {
            try await store.write { [number] transaction in
                var item = Self.item(number % 50, value: number)
                item["x"] = filler
                try transaction.put(item, in: "t")
            }
            number += 1
            try #require(number < 100_000)
        }
    }

    @Test("A consumer that fell off the end is told so, and starts over from the items as they are")
    func trimmed() async throws {
        let temporary = try TemporaryStore(schema: Self.schema, options: Self.shortLog)
        let store = temporary.store
        try await store.addConsumer("c", after: .trimHorizon)
        try await store.addConsumer("at-latest")
        try await trim(store)
        let status = try #require(try store.stats().consumers.last)
        #expect(status.name == "c" && status.isTrimmed && status.lagCommitCount > 0)
        await #expect(throws: CodexError(.changesTrimmed, "")) {
            try await store.consume("c") { _, _ in }
        }
        await #expect(throws: CodexError(.changesTrimmed, "")) {
            try await take(
                1, store.changes(after: .sequenceNumber(SequenceNumber(commit: 0))))
        }
        let oldest = try await take(1, store.changes(after: .trimHorizon))
        #expect(try oldest[0].sequenceNumber.commit > store.stats().trimmedSequence)
        let sum = Mutex(0)
        try await store.rebuildConsumer("c") { transaction in
            let items = try transaction.items(matching: TableQuery(table: "t", partition: ["p"]))
            sum.withLock { $0 = items.items.count }
        }
        #expect(sum.withLock { $0 } == (try store.stats().trees[0].entryCount))
        let rebuilt = try #require(try store.consumers().last)
        #expect(!rebuilt.isTrimmed)
        #expect(rebuilt.sequenceNumber.commit <= (try store.stats().sequence))
        _ = try await store.write { try $0.put(Self.item(7, value: -1), in: "t") }
        let next = try await take(1, store.changes(for: "c"))
        #expect(try next[0].newImage == Self.item(7, value: -1))
    }

    /// Runs a consumer until it has seen `count` changes.
    func consume(
        _ store: Store, _ name: String, until count: Int,
        onFailure policy: ConsumerFailurePolicy = .stop,
        _ body: @escaping @Sendable (inout WriteTransaction, ChangeRecord) throws -> Void
    ) async throws {
        let seen = Mutex(0)
        let (ends, end) = AsyncStream<Void>.makeStream()
        let task = _Concurrency.Task {
            defer { end.finish() }
            try await store.consume(name, batchCount: 7, onFailure: policy) {
                transaction, changes in
                for change in changes { try body(&transaction, change) }
                let total = changes.count
                let isDone = seen.withLock { seen in
                    seen += total
                    return seen >= count
                }
                if isDone { end.yield() }
            }
        }
        for await _ in ends { break }
        // The transaction may still be under way: what it does is done when the next one begins.
        try? await store.write { _ in }
        task.cancel()
        do {
            try await task.value
        } catch is CancellationError {}
    }

    @Test("Effects and checkpoint are one: a consumer that is begun anew goes on where it was")
    func checkpoints() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        let filter = ChangeFilter(partitionKeyPrefix: "p")
        try await store.addConsumer("sum", after: .trimHorizon, filter: filter)
        try await store.addConsumer("sum", after: .latest, filter: filter)
        await #expect(throws: CodexError(.invalidArgument, "")) {
            try await store.addConsumer("sum", filter: .all)
        }
        @Sendable func add(_ transaction: inout WriteTransaction, _ change: ChangeRecord) throws {
            let value = try change.newImage?["v"]?.number?.int64 ?? 0
            let key = PrimaryKey("total", "total")
            let sum = try transaction.item(in: "t", key: key)?["v"]?.number?.int64 ?? 0
            try transaction.put(
                ["p": "total", "s": "total", "v": .number(Number(Int(sum + value)))], in: "t")
        }
        var expected = 0
        for round in 0..<3 {
            for number in 0..<25 {
                let value = round * 25 + number
                expected += value
                _ = try await store.write { try $0.put(Self.item(value, value: value), in: "t") }
            }
            try await consume(store, "sum", until: round == 0 ? 24 : 25, add)
            let total = try store.item(in: "t", key: PrimaryKey("total", "total"))
            #expect(total?["v"]?.number?.int64 == Int64(expected))
        }
        await #expect(throws: CodexError(.unknownConsumer, "")) {
            try await store.consume("nobody") { _, _ in }
        }
        try await store.removeConsumer("sum")
        #expect(try store.consumers().isEmpty)
    }

    @Test("A change behind much that the filter leaves out comes, though no commit follows it")
    func rareFilter() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        for number in 0..<12 {
            _ = try await store.write { transaction in
                for part in 0..<100 {
                    var item = Self.item(number * 100 + part, "other")
                    // What does not compress.
                    let words = (0..<600).map { _ in
                        String(UInt64.random(in: 0 ... .max), radix: 36)
                    }
                    item["x"] = .string(words.joined())
                    try transaction.put(item, in: "t")
                }
            }
        }
        _ = try await store.write { try $0.put(Self.item(1, "p"), in: "t") }
        let changes = store.changes(
            after: .trimHorizon, filter: ChangeFilter(partitionKeyPrefix: "p"))
        for try await change in changes {
            #expect(try change.key.partition == "p")
            break
        }
    }

    @Test("A consumer that is done lags by nothing; one that was just registered by little")
    func lag() async throws {
        let clock = ManualClock()
        var options = StoreOptions()
        options.use(clock)
        let temporary = try TemporaryStore(schema: Self.schema, options: options)
        let store = temporary.store
        try await store.addConsumer("c", after: .trimHorizon)
        _ = try await store.write { try $0.put(Self.item(1, value: 1), in: "t") }
        clock.advance(by: 60)
        let new = try #require(try store.consumers().first)
        #expect(new.lagCommitCount == 1)
        #expect(new.lag == .seconds(60))
        try await consume(store, "c", until: 1) { _, _ in }
        clock.advance(by: 60)
        let done = try #require(try store.consumers().first)
        #expect(done.lagCommitCount == 0)
        #expect(done.lag == .zero)
        _ = try await store.write { try $0.put(Self.item(2, value: 1), in: "t") }
        #expect(try store.consumers().first?.lagCommitCount == 1)
        #expect(try store.consumers().first?.lag == .seconds(120))
    }

    @Test("An idle consumer notices that it was reset, and that it was removed")
    func idleConsumer() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        let start = try store.read { try $0.sequenceNumber }
        try await store.addConsumer(
            "c", after: .sequenceNumber(start), filter: ChangeFilter(partitionKeyPrefix: "a"))
        let (seen, see) = AsyncStream<AttributeValue>.makeStream()
        let task = _Concurrency.Task {
            try await store.consume("c") { _, changes in
                for change in changes { see.yield(try change.key.partition) }
            }
        }
        var iterator = seen.makeAsyncIterator()
        _ = try await store.write { try $0.put(Self.item(1, "a1"), in: "t") }
        #expect(await iterator.next() == "a1")
        // Nothing is written but the checkpoint.
        try await store.resetConsumer("c", to: .sequenceNumber(start))
        #expect(await iterator.next() == "a1")
        try await store.removeConsumer("c")
        await #expect(throws: CodexError(.unknownConsumer, "")) { try await task.value }
    }

    @Test("A consumer begins nowhere but where the store has been and changes are retained")
    func positions() async throws {
        let temporary = try TemporaryStore(schema: Self.schema, options: Self.shortLog)
        let store = temporary.store
        let last = try store.read { try $0.sequenceNumber }
        let next = SequenceNumber(commit: last.commit + 1, ordinal: 0)
        await #expect(throws: CodexError(.invalidArgument, "")) {
            try await store.addConsumer("c", after: .sequenceNumber(next))
        }
        try await store.addConsumer("c", after: .sequenceNumber(last))
        // Its registration was a commit.
        try await store.resetConsumer("c", to: .sequenceNumber(next))
        await #expect(throws: CodexError(.invalidArgument, "")) {
            try await store.resetConsumer(
                "c", to: .sequenceNumber(SequenceNumber(commit: last.commit + 3)))
        }
        try await trim(store)
        for position in [StreamPosition.sequenceNumber(last), .sequenceNumber(next)] {
            await #expect(throws: CodexError(.changesTrimmed, "")) {
                try await store.resetConsumer("c", to: position)
            }
        }
        let oldest = SequenceNumber(commit: try store.stats().trimmedSequence)
        try await store.addConsumer("d", after: .sequenceNumber(oldest))
    }

    @Test("A reset forgets what was parked after the new position, since it comes again")
    func resetWithParked() async throws {
        struct Refusal: Error {}
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        try await store.addConsumer("c")
        let (parked, park) = AsyncStream<AttributeValue>.makeStream()
        let task = _Concurrency.Task {
            try await store.consume(
                "c", batchCount: 1,
                onFailure: ConsumerFailurePolicy(attemptCount: 1, keepsDeadLetters: true)
            ) { _, changes in
                for change in changes { park.yield(try change.key.partition) }
                throw Refusal()
            }
        }
        var iterator = parked.makeAsyncIterator()
        var places: [SequenceNumber] = []
        for name in ["a", "b", "c", "end"] {
            places.append(try store.read { try $0.sequenceNumber })
            _ = try await store.write { try $0.put(Self.item(1, name), in: "t") }
            while let seen = await iterator.next(), seen != .string(name) {}
        }
        task.cancel()
        _ = await task.result
        let names = try store.deadLetters(of: "c").map { try $0.change.key.partition }
        #expect(names.prefix(3) == ["a", "b", "c"])
        try await store.resetConsumer("c", to: .sequenceNumber(places[1]))
        let left = try store.deadLetters(of: "c").map { try $0.change.key.partition }
        #expect(left == ["a"])
    }

    @Test("A body that throws the error of a moved consumer itself ends the consumer")
    func bodyThrowsMoved() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        try await store.addConsumer("c")
        _ = try await store.write { try $0.put(Self.item(1, "a"), in: "t") }
        await #expect(throws: CodexError(.consumerMoved, "")) {
            try await store.consume(
                "c", onFailure: ConsumerFailurePolicy(attemptCount: 1)
            ) { _, _ in throw CodexError(.consumerMoved, "by its own body") }
        }
    }

    /// An error during whose description something happens: between the attempt that failed and the
    /// commit that parks the change again.
    private struct Interlude: Error, CustomStringConvertible {
        let action: @Sendable () async -> Void
        var description: String {
            let isDone = DispatchSemaphore(value: 0)
            _Concurrency.Task.detached {
                await action()
                isDone.signal()
            }
            isDone.wait()
            return "interlude"
        }
    }

    @Test("A dead letter that is given up while it is retried does not come back")
    func retryBesideDiscard() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        try await store.addConsumer("c")
        _ = try await store.write { try $0.put(Self.item(1, value: 1), in: "t") }
        let policy = ConsumerFailurePolicy(attemptCount: 1, keepsDeadLetters: true)
        let consumption = _Concurrency.Task {
            try await store.consume("c", onFailure: policy) { _, _ in throw CancellationError() }
        }
        var value = 1
        for try await _ in store.changes(after: .trimHorizon) {
            if try !store.deadLetters(of: "c").isEmpty { break }
            value += 1
            _ = try await store.write { [value] in
                try $0.put(Self.item(1, value: value), in: "t")
            }
        }
        consumption.cancel()
        _ = await consumption.result
        let parked = try store.deadLetters(of: "c").map(\.change.sequenceNumber)
        #expect(!parked.isEmpty)
        let counts = try await store.retryDeadLetters(of: "c") { _, _ in
            throw Interlude {
                for number in parked { _ = try? await store.discardDeadLetter(number, of: "c") }
            }
        }
        #expect(counts == (0, 0))
        #expect(try store.deadLetters(of: "c").isEmpty)
    }

    @Test("A change that keeps failing is parked with its error, retried, and given up")
    func parking() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        struct Unlucky: Error, CustomStringConvertible { let description = "thirteen" }
        try await store.addConsumer("c", filter: ChangeFilter(partitionKeyPrefix: "p"))
        try await store.write { transaction in
            for number in 1...20 { try transaction.put(Self.item(number, value: number), in: "t") }
        }
        let done = Mutex<[Int64]>([])
        let policy = ConsumerFailurePolicy(
            attemptCount: 2, delay: .milliseconds(1), keepsDeadLetters: true)
        try await consume(store, "c", until: 18, onFailure: policy) { transaction, change in
            let value = try change.newImage?["v"]?.number?.int64 ?? 0
            if value == 13 || value == 17 { throw Unlucky() }
            try transaction.put(
                ["p": "done", "s": .string("s\(value)")], in: "t")
            done.withLock { $0.append(value) }
        }
        let parked = try store.deadLetters(of: "c")
        #expect(try parked.map { try $0.change.newImage?["v"]?.number?.int64 } == [13, 17])
        #expect(parked.allSatisfy { $0.error == "thirteen" && $0.attemptCount == 2 })
        #expect(try store.consumers()[0].deadLetterCount == 2)
        let query = TableQuery(table: "t", partition: ["done"])
        #expect(try store.items(matching: query).items.count == 18)
        let counts = try await store.retryDeadLetters(of: "c") { transaction, change in
            let value = try change.newImage?["v"]?.number?.int64 ?? 0
            if value == 17 { throw Unlucky() }
            try transaction.put(["p": "done", "s": .string("s\(value)")], in: "t")
        }
        #expect(counts == (1, 1))
        #expect(try store.items(matching: query).items.count == 19)
        let left = try #require(try store.deadLetters(of: "c").first)
        #expect(left.attemptCount == 3)
        #expect(try await store.discardDeadLetter(left.change.sequenceNumber, of: "c"))
        #expect(try await !store.discardDeadLetter(left.change.sequenceNumber, of: "c"))
        #expect(try store.deadLetters(of: "c").isEmpty)
        // Without parking it ends with the error.
        _ = try await store.write { try $0.put(Self.item(99, value: 99), in: "t") }
        await #expect(throws: Unlucky.self) {
            try await store.consume("c", onFailure: .init(attemptCount: 1)) { _, _ in
                throw Unlucky()
            }
        }
    }

    @Test("Stores opened read-only, and other processes' changes")
    func reopened() async throws {
        let temporary = try TemporaryStore(schema: Self.schema)
        _ = try await temporary.store.write { try $0.put(Self.item(1), in: "t") }
        temporary.store.close()
        let reading = try Store(at: temporary.path, options: StoreOptions(isReadOnly: true))
        let before = try await take(1, reading.changes(after: .trimHorizon))
        #expect(try before[0].key == Self.key(1))
        var tail = reading.changes(after: .latest).makeAsyncIterator()
        let agent = try Agent("write", temporary.path, "50", "7")
        let change = try #require(try await tail.next())
        #expect(change.sequenceNumber.commit > before[0].sequenceNumber.commit)
        agent.wait()
        reading.close()
    }
}
