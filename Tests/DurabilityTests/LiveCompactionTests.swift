import Codex
import CodexCore
import CodexTesting
import CrashSupport
import Dispatch
import Foundation
import TestSupport
import Testing

@testable import CodexStore

/// What a process does meanwhile in a store that it compacts.
@Suite("Compaction of a store in use", .serialized)
struct LiveCompactionTests {
    private typealias Common = CompactionTests

    /// Lets a test do something at the steps of a compaction, on the thread that compacts.
    private final class Steps: Sendable {
        private let action = Locked<(@Sendable (ProtocolStep) -> Void)?>(nil)

        var options: StoreOptions {
            var options = StoreOptions()
            options.parts.reached = { [self] step in reached(step) }
            return options
        }

        private func reached(_ step: ProtocolStep) {
            guard ProtocolStep.compaction.contains(step) else { return }
            let action = action.withLock { $0 }
            action?(step)
        }

        func set(_ new: (@Sendable (ProtocolStep) -> Void)?) { action.withLock { $0 = new } }
    }

    @Test("While it runs, reads are refused, and what the store reads itself waits")
    func meanwhile() async throws {
        let steps = Steps()
        let temporary = try TemporaryStore(schema: Common.schema, options: steps.options)
        let store = temporary.store
        try await Common.fill(store, 0..<50)
        let key = try Common.key(1)
        let codes = Locked<[ProtocolStep: CodexError.Code]>([:])
        let (sequences, sequence) = AsyncStream<UInt64>.makeStream()
        steps.set { step in
            do {
                _ = try store.item(in: "t", key: key)
            } catch {
                codes.withLock { $0[step] = (error as? CodexError)?.code }
            }
            Thread.detachNewThread { sequence.yield((try? store.stats().sequence) ?? 0) }
        }
        try await store.compact()
        steps.set(nil)
        let found = codes.withLock { $0 }
        #expect(Set(found.keys) == ProtocolStep.compaction)
        #expect(found.values.allSatisfy { $0 == .inUse })
        let expected = try store.stats().sequence
        var iterator = sequences.makeAsyncIterator()
        for _ in ProtocolStep.compaction {
            let answered = await iterator.next()
            #expect(answered == expected)
        }
    }

    @Test("A process that opens the store meanwhile waits, and has the new file")
    func opening() async throws {
        let directory = try TestDirectory()
        let (path, steps) = (directory.path + "/store", Steps())
        let store = try Store(at: path, schema: NumberedItems.schema(), options: steps.options)
        defer { store.close() }
        try NumberedItems.put(0..<100, byteCount: 2000, in: store)
        let other = try DrivenAgent()
        let (copies, copied) = AsyncStream<Void>.makeStream()
        let goesOn = DispatchSemaphore(value: 0)
        steps.set { step in
            guard step == .compactionCopied else { return }
            copied.yield()
            goesOn.wait()
        }
        async let report = store.compact()
        for await _ in copies { break }
        other.tell("open s \(path)")
        goesOn.signal()
        _ = try await report
        steps.set(nil)
        #expect(try other.answer().text == "joined")
        #expect(try other.must("state s").number == 100)
        try other.must("put s 100 10 2000")
        #expect(try NumberedItems.state(store).numbers == Set(0..<110))
        other.quit()
    }

    @Test("A store that is closed meanwhile is compacted, then closed")
    func closing() async throws {
        let steps = Steps()
        let temporary = try TemporaryStore(schema: Common.schema, options: steps.options)
        let store = temporary.store
        try await Common.fill(store, 0..<50)
        let (ends, end) = AsyncStream<Void>.makeStream()
        steps.set { step in
            guard step == .compactionIntended else { return }
            Thread.detachNewThread {
                store.close()
                end.yield()
            }
        }
        try await store.compact()
        steps.set(nil)
        for await _ in ends { break }
        #expect(throws: CodexError(.closed, "")) { try store.stats() }
        let reopened = try Store(at: temporary.path)
        defer { reopened.close() }
        #expect(try reopened.items(scanning: TableScan(table: "t")).items.count == 50)
        #expect(try reopened.verify().isSound)
    }

    @Test("What is cached stays, and no environment is asked that is gone")
    func cache() async throws {
        let steps = Steps()
        let temporary = try TemporaryStore(options: steps.options)
        let store = temporary.store
        try await store.put(CodexFlow.User(id: "1", email: "1@example.com", name: "Ada"))
        let cache = try StoreCache(store)
        #expect(try cache.get(.user("1"))?.name == "Ada")
        let answers = Locked<[ProtocolStep: String]>([:])
        steps.set { step in
            let answer: String
            do {
                answer = try cache.get(.user("1"))?.name ?? "none"
            } catch {
                answer = (error as? CodexError)?.code.description ?? "\(error)"
            }
            answers.withLock { $0[step] = answer }
        }
        try await store.compact()
        steps.set(nil)
        // Until the file is exchanged it answers.
        let found = answers.withLock { $0 }
        #expect(found[.compactionCopied] == "Ada" && found[.compactionRenamed] == "Ada")
        #expect(found[.compactionPublished] == "inUse" && found[.compactionReopened] == "inUse")
        let misses = cache.statistics.missCount
        #expect(try cache.get(.user("1"))?.name == "Ada")
        #expect(cache.statistics.missCount == misses)
        try await store.update(.user("1")) { $0.name = "Lovelace" }
        #expect(try cache.get(.user("1"))?.name == "Lovelace")
    }

    @Test("An index that is being built goes on being built")
    func building() async throws {
        let temporary = try TemporaryStore(schema: Common.schema)
        let store = temporary.store
        let count = 12_000
        var number = 0
        try await store.load(into: "t") {
            guard number < count else { return nil }
            defer { number += 1 }
            return [
                "p": .string("p\(number % 20)"), "s": .string("\(number)"),
                "g": .string("g\(number % 5)"), "v": .number(Number(number)),
            ]
        }
        try await store.addIndex(
            IndexDefinition("byV", partitionKey: [KeyAttribute("v", .number)]), to: "t")
        try await store.addCounter(
            CounterDefinition("all", group: [KeyAttribute("p")], sums: ["v"]), to: "t")
        var compactionCount = 0
        repeat {
            do {
                try await store.compact()
                compactionCount += 1
            } catch CodexError.Code.inUse {}
            // Each keeps the builder from its work for a while.
        } while try compactionCount < 5
            && store.buildStatus().contains(where: { $0.state == .building })
        try await store.waitUntilReady()
        #expect(compactionCount > 0)
        let report = try store.verify()
        #expect(report.isSound && report.itemCount == count)
    }

    // MARK: All at once

    @Test("Writers, readers, consumers, observers and builders of the process go on")
    func concurrent() async throws {
        var options = StoreOptions()
        options.checkpoints.interval = .milliseconds(10)
        options.sweepInterval = .milliseconds(5)
        let temporary = try TemporaryStore(schema: Common.schema, options: options)
        let store = temporary.store
        try await Common.fill(store, 0..<500)
        try await store.addConsumer("sum", filter: ChangeFilter(partitionKeyPrefix: "in"))
        let consumer = _Concurrency.Task { try await Self.consume(store) }
        let isOver = Locked(false)
        async let reads: Void = Self.read(store, until: isOver)
        async let compactions = Self.compact(store, until: isOver)
        async let builds: Void = Self.build(store, until: isOver)
        let writing = _Concurrency.Task {
            defer { isOver.withLock { $0 = true } }
            try await Self.write(store)
        }
        try await writing.value
        try await reads
        try await builds
        let count = try await compactions
        #expect(count > 0)
        let totals = store.observe(in: ["other"]) { snapshot in
            try snapshot.item(in: "other", key: PrimaryKey("total"))?["v"]?.number?.int64 ?? 0
        }
        try await store.compact()
        for try await total in totals where total == Self.total { break }
        consumer.cancel()
        _ = await consumer.result
        #expect(try store.verify().isSound)
    }

    private static let writeCount = 150
    private static let total = Int64(4 * writeCount * (writeCount - 1) / 2)

    private static func write(_ store: Store) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask {
                    for number in 0..<writeCount {
                        _ = try await store.put(
                            [
                                "p": .string("in\(writer)"), "s": .string("\(number)"),
                                "v": .number(Number(number)), "g": "g1",
                            ], in: "t")
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private static func consume(_ store: Store) async throws {
        try await store.consume("sum", batchCount: 5) { transaction, changes in
            let old = try transaction.item(in: "other", key: PrimaryKey("total"))
            var sum = old?["v"]?.number?.int64 ?? 0
            for change in changes { sum += try change.newImage?["v"]?.number?.int64 ?? 0 }
            try transaction.put(["p": "total", "v": .number(Number(Int(sum)))], in: "other")
        }
    }

    /// Reads an item again and again.
    private static func read(_ store: Store, until isOver: Locked<Bool>) async throws {
        let key = try Common.key(1)
        while !isOver.withLock({ $0 }) {
            do {
                let found = try store.item(in: "t", key: key)
                #expect(found == Common.item(1))
            } catch CodexError.Code.inUse {}
            await _Concurrency.Task.yield()
        }
    }

    /// Compacts the store again and again; returns how often it was not refused.
    private static func compact(_ store: Store, until isOver: Locked<Bool>) async throws -> Int {
        var count = 0
        while !isOver.withLock({ $0 }) {
            do {
                try await store.compact()
                count += 1
            } catch CodexError.Code.inUse {}
        }
        return count
    }

    /// Adds an index and removes it, again and again.
    private static func build(_ store: Store, until isOver: Locked<Bool>) async throws {
        let index = IndexDefinition("byV", partitionKey: [KeyAttribute("v", .number)])
        while !isOver.withLock({ $0 }) {
            try await store.addIndex(index, to: "t")
            try await store.removeIndex("byV", from: "t")
        }
    }
}
