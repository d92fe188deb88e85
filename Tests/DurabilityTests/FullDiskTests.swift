import CodexCore
import CodexStore
import CrashSupport
import Foundation
import Synchronization
import TestSupport
import Testing

/// A disk that is full does not end a store: it takes deletes, makes checkpoints, closes and opens,
/// and goes on as soon as there is room.
@Suite("Full disks", .serialized)
struct FullDiskTests {
    private static let sizes = [2000, 10_000, 60_000, 380_000]

    private func withDisk(_ body: (LoopDisk, String) throws -> Void) throws {
        guard LoopDisk.isPossible else { return }
        let disk = try LoopDisk(byteCount: 64 << 20)
        defer { withExtendedLifetime(disk) {} }
        try body(disk, disk.path + "/store")
    }

    /// Puts items of random sizes until not even the smallest find room.
    ///
    /// - Returns: How many are acknowledged.
    private func fill(_ store: Store, _ random: inout SplitMix) -> Int {
        var (count, sizes) = (0, Self.sizes)
        while !sizes.isEmpty {
            let (size, batchCount) = (random.pick(sizes), 1 + random.below(4))
            do {
                try NumberedItems.put(count..<count + batchCount, byteCount: size, in: store)
                count += batchCount
            } catch {
                #expect((error as? CodexError)?.code == .diskFull, "\(error)")
                sizes.removeAll { $0 >= size }
            }
        }
        return count
    }

    /// Deletes items one by one; none may fail.
    private func deleteAll(_ count: Int, _ store: Store) {
        for number in 0..<count {
            do {
                try NumberedItems.delete(number..<number + 1, in: store)
            } catch {
                Issue.record("delete \(number) of \(count): \(error)")
                return
            }
        }
    }

    // MARK: Filled by itself

    @Test("Filled by puts of any size: all deletes succeed, and make room that is used again")
    func filled() throws {
        let given = ProcessInfo.processInfo.environment["CODEX_DISK_SEED"].flatMap { UInt64($0) }
        // With the second, the log was left without a spare segment once.
        for seed in [given ?? UInt64.random(in: 1...1_000_000), 647_754] {
            print("full disk: seed \(seed)")
            var random = SplitMix(seed: seed)
            try withDisk { _, path in
                let store = try Store(at: path, schema: NumberedItems.schema())
                let count = fill(store, &random)
                #expect(try NumberedItems.state(store).numbers == Set(0..<count))
                deleteAll(count, store)
                // One by one: the log has no more room than two segments.
                for number in 0..<50 {
                    try NumberedItems.put(number..<number + 1, byteCount: 20_000, in: store)
                }
                store.close()
                #expect(try NumberedItems.numbers(at: path) == Set(0..<50))
            }
        }
    }

    @Test("Killed on a full disk: it opens, and all deletes succeed", arguments: [1, 10])
    func killed(batchCount: Int) throws {
        try withDisk { _, path in
            let agent = try DrivenAgent(opening: path)
            let answer = try agent.must("fill s 0 60000 \(batchCount)")
            agent.kill()
            #expect(answer.words.last == "diskFull")
            let store = try Store(at: path)
            #expect(try NumberedItems.state(store).numbers == Set(0..<answer.number))
            deleteAll(answer.number, store)
            store.close()
            #expect(try NumberedItems.numbers(at: path).isEmpty)
        }
    }

    @Test("An import into many indexes that fills the disk: opening it does not take the rest")
    func imported() throws {
        try withDisk { disk, path in
            let agent = try DrivenAgent(opening: path, "indexes=12")
            let answer = try agent.must("fill s 0 2000 1000")
            agent.kill()
            #expect(answer.number > 0 && answer.words.last == "diskFull", "\(answer)")
            let free = disk.freeByteCount
            let next = try DrivenAgent(opening: path, "schema=no")
            #expect(disk.freeByteCount > free - 8 << 20)
            #expect(try next.must("delete s 0 20").number == 20)
            #expect(try next.must("verify s").text == "sound")
            next.quit()
            #expect(try NumberedItems.numbers(at: path) == Set(20..<answer.number))
        }
    }

    @Test("History goes first, and who needed it is named and told")
    func history() async throws {
        guard LoopDisk.isPossible else { return }
        let disk = try LoopDisk(byteCount: 64 << 20)
        defer { withExtendedLifetime(disk) {} }
        let events = EventLog()
        var options = StoreOptions()
        options.observer = { events.add($0) }
        let store = try Store(
            at: disk.path + "/store", schema: NumberedItems.schema(), options: options)
        defer { store.close() }
        try await store.addConsumer("slow", after: .trimHorizon)
        var random = SplitMix(seed: 1)
        let count = fill(store, &random)
        guard case .historyShed(_, let readers)? = events.next("historyShed") else {
            Issue.record("no event")
            return
        }
        #expect(readers == ["slow"])
        #expect(try store.consumers().map(\.isTrimmed) == [true])
        var changes = try store.changes(for: "slow").makeAsyncIterator()
        await #expect(throws: CodexError(.changesTrimmed, "")) { try await changes.next() }
        deleteAll(count, store)
        #expect(try store.verify().isSound)
    }

    @Test("A build that finds no room fails and goes on later, and takes no history from a reader")
    func build() async throws {
        guard LoopDisk.isPossible else { return }
        let disk = try LoopDisk(byteCount: 64 << 20)
        defer { withExtendedLifetime(disk) {} }
        let (events, count) = (EventLog(), 1000)
        var options = StoreOptions()
        options.checkpoints.interval = .milliseconds(20)
        options.observer = { events.add($0) }
        // A step takes less than the reserve of the data file.
        options.parts.builds = BuildsOnDemand(entryCountMax: 20)
        let store = try Store(
            at: disk.path + "/store", schema: NumberedItems.schema(), options: options)
        defer { store.close() }
        try await store.addConsumer("slow", after: .trimHorizon)
        // The log gets several segments, and the consumer reads none.
        for start in stride(from: 0, to: count, by: 20) {
            try NumberedItems.put(start..<start + 20, byteCount: 10_000, in: store)
        }
        let copies = IndexDefinition(
            "copies", partitionKey: [KeyAttribute("s")], projection: .include(["b"]),
            layout: .copies)
        try await store.addIndex(copies, to: "t")
        let sequence = try store.stats().sequence
        #expect(events.waitForCheckpoint(of: sequence))
        #expect(try store.build(stepCountMax: 1) == .more)
        let ballast = try Ballast(on: disk.path, leaving: 0)
        #expect(throws: CodexError(.diskFull, "")) { while try store.build() == .more {} }
        #expect(try store.consumers().map(\.isTrimmed) == [false])
        ballast.remove()
        while try store.build() == .more {}
        #expect(try store.count(TableScan(table: "t", index: "copies")).count == count)
        #expect(try store.verify().isSound)
        #expect(!events.contains("historyShed"))
    }

    // MARK: Filled by others

    @Test(
        "Others leave 1 MiB, or nothing: deletes, checkpoints and closing work; then room is used",
        arguments: [1 << 20, 0])
    func others(rest: Int) throws {
        try withDisk { disk, path in
            let events = EventLog()
            var options = StoreOptions()
            options.checkpoints.interval = .milliseconds(20)
            options.observer = { events.add($0) }
            func open() throws -> Store {
                try Store(at: path, schema: NumberedItems.schema(), options: options)
            }
            func expectCheckpoint(_ store: Store) throws {
                let sequence = try store.stats().sequence
                #expect(events.waitForCheckpoint(of: sequence))
            }
            var store = try open()
            try NumberedItems.put(0..<300, byteCount: 10_000, in: store)
            try expectCheckpoint(store)
            var ballast = try Ballast(on: disk.path, leaving: rest)
            #expect(throws: CodexError(.diskFull, "")) {
                try NumberedItems.put(1000..<1020, byteCount: 380_000, in: store)
            }
            for number in 0..<150 {
                try NumberedItems.delete(number..<number + 1, in: store)
            }
            try expectCheckpoint(store)
            // Room comes back: without opening the store again.
            ballast.remove()
            try NumberedItems.put(300..<320, byteCount: 380_000, in: store)
            try expectCheckpoint(store)
            ballast = try Ballast(on: disk.path, leaving: rest)
            try NumberedItems.delete(150..<160, in: store)
            store.close()
            if rest == 0 {
                // Opening needs some.
                ballast.remove()
                ballast = try Ballast(on: disk.path, leaving: 1 << 20)
            }
            store = try open()
            #expect(try NumberedItems.state(store).numbers == Set(160..<320))
            for number in 160..<200 {
                try NumberedItems.delete(number..<number + 1, in: store)
            }
            try expectCheckpoint(store)
            store.close()
            ballast.remove()
            #expect(try NumberedItems.numbers(at: path) == Set(200..<320))
        }
    }

    // MARK: Groups

    /// What the writer does, in order.
    private final class WriterLog: Sendable {
        private let state = Mutex((bodyCount: 0, countAtCommit: Int?.none))

        func bodyRan() { state.withLock { $0.bodyCount += 1 } }

        func commits() {
            state.withLock { $0.countAtCommit = $0.countAtCommit ?? $0.bodyCount }
        }

        /// How many bodies had run when the first commit began.
        var countAtCommit: Int? { state.withLock { $0.countAtCommit } }
    }

    @Test("Of a group that finds no room while it commits, only the one fails that is too large")
    func culprit() async throws {
        guard LoopDisk.isPossible else { return }
        let disk = try LoopDisk(byteCount: 64 << 20)
        defer { withExtendedLifetime(disk) {} }
        let path = disk.path + "/store"
        try Store(at: path, schema: NumberedItems.schema()).close()
        let ballast = try Ballast(on: disk.path, leaving: 8 << 20)
        defer { ballast.remove() }
        let log = WriterLog()
        var options = StoreOptions()
        options.parts.beforeCommit = { log.commits() }
        let store = try Store(at: path, options: options)
        let gate = DispatchSemaphore(value: 0)
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        let holding = Task {
            try await store.write { _ in
                begin.finish()
                gate.wait()
            }
        }
        // It is a group of its own.
        for await _ in begun {}
        let culprit = Task { try await Self.put(1000..<1040, byteCount: 380_000, store, log) }
        let others = (0..<10).map { number in
            Task { try await Self.put(number..<number + 1, byteCount: 2000, store, log) }
        }
        // Until all wait; the queue says nothing of it.
        try await Task.sleep(for: .milliseconds(300))
        gate.signal()
        try await holding.value
        await #expect(throws: CodexError(.diskFull, "")) { try await culprit.value }
        for other in others { try await other.value }
        #expect(log.countAtCommit == 11, "they were one group")
        store.close()
        #expect(try NumberedItems.numbers(at: path) == Set(0..<10))
    }

    private static func put(
        _ numbers: Range<Int>, byteCount: Int, _ store: Store, _ log: WriterLog
    ) async throws {
        try await store.write { transaction in
            for number in numbers {
                try transaction.put(
                    NumberedItems.item(number, byteCount: byteCount), in: "t")
            }
            log.bodyRan()
        }
    }
}
