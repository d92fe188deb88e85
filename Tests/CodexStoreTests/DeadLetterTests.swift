import Codex
import CodexCore
import CodexTesting
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import CodexStore

/// What consumers park: how much there may be, and that no more than a page of it is held.
@Suite("Dead letters", .timeLimit(.minutes(30)))
struct DeadLetterTests {
    static let schema = SampleTable.schema()

    struct Refusal: Error, CustomStringConvertible { let description = "refused" }

    let temporary: TemporaryStore
    var store: Store { temporary.store }

    init() throws {
        // Nothing here is about power cuts.
        temporary = try TemporaryStore(
            schema: Self.schema, options: StoreOptions(durability: .none))
    }

    /// Writes items with the values from 1, and one with the value 0 after them.
    func write(_ count: Int, byteCount: Int = 0) async throws {
        var random = SplitMix(seed: 20)
        for number in Array(1...count) + [0] {
            // What does not compress.
            let filler = (0..<byteCount).map { _ in UInt8.random(in: 0...255, using: &random) }
            _ = try await store.write {
                try $0.put(
                    [
                        "partition": .string("p\(number)"), "value": .number(Number(number)),
                        "content": .binary(filler),
                    ], in: "samples")
            }
        }
    }

    /// Consumes and refuses all but the item with the value 0, until it gets that or ends by
    /// itself.
    func consume(maximum: Int = ConsumerFailurePolicy.defaultMaximumDeadLetters) async throws {
        let policy = ConsumerFailurePolicy(
            attemptCount: 1, keepsDeadLetters: true, maximumDeadLetters: maximum)
        let (ends, end) = AsyncStream<Void>.makeStream()
        let task = _Concurrency.Task { [store] in
            defer { end.finish() }
            try await store.consume("c", onFailure: policy) { _, changes in
                for change in changes {
                    guard try change.newImage?["value"]?.number?.int64 == 0 else { throw Refusal() }
                }
                end.yield()
            }
        }
        for await _ in ends { break }
        // The last transaction may still be under way.
        try? await store.write { _ in }
        task.cancel()
        do {
            try await task.value
        } catch is CancellationError {}
    }

    /// Parks the store's changes at once, but for some at the end.
    func park(of consumer: String = "c", leaving rest: Int = 1) async throws {
        let changes = try store.retainedChanges(after: .trimHorizon).dropLast(rest)
        try await store.write { transaction in
            for change in changes {
                let parked = DeadLetter(
                    change: change, error: Refusal(), attemptCount: 1, hidesValues: false)
                try transaction.context.deadLetters.add(parked, of: consumer, countMax: .max)
            }
        }
    }

    @Test("The oldest dead letter of all consumers says what is kept of removed tables")
    func oldest() async throws {
        func oldestCommit() throws -> UInt64? {
            try store.core.withReadContext {
                try DeadLetter.oldestCommit($0.transaction, $0.catalog.consumers)
            }
        }
        #expect(try oldestCommit() == nil)
        try await write(5)
        let changes = try store.retainedChanges(after: .trimHorizon)
        for (consumer, place) in [("late", 4), ("c", 3), ("c", 4), ("cc", 1), ("d", 2)] {
            try await store.write { transaction in
                let parked = DeadLetter(
                    change: changes[place], error: Refusal(), attemptCount: 1, hidesValues: false)
                try transaction.context.deadLetters.add(parked, of: consumer, countMax: .max)
            }
        }
        #expect(try oldestCommit() == changes[1].sequenceNumber.commit)
    }

    func values(_ parked: [DeadLetter]) throws -> [Int64] {
        try parked.compactMap { try $0.change.newImage?["value"]?.number?.int64 }
    }

    // MARK: The limit

    @Test(
        "Up to the limit is parked; at one more the consumer ends before it", arguments: [4, 5, 6])
    func limit(_ count: Int) async throws {
        try await store.addConsumer("c", after: .trimHorizon)
        // What others have does not count.
        for name in ["b", "c!", "cc", "d"] { try await store.addConsumer(name) }
        try await write(count)
        for name in ["b", "c!", "cc", "d"] { try await park(of: name) }
        guard count > 5 else {
            try await consume(maximum: 5)
            #expect(try values(store.deadLetters(of: "c")) == Array(1...Int64(count)))
            return
        }
        let error = await #expect(throws: CodexError.self) { try await consume(maximum: 5) }
        #expect(error?.code == .tooManyDeadLetters)
        #expect(error?.message.contains("retryDeadLetters") == true)
        let parked = try store.deadLetters(of: "c")
        #expect(try values(parked) == [1, 2, 3, 4, 5])
        let status = try #require(try store.consumers().first { $0.name == "c" })
        #expect(status.deadLetterCount == 5)
        #expect(status.sequenceNumber == parked.last?.change.sequenceNumber)
        // It ends again, and nothing changes, until there is room.
        await #expect(throws: CodexError(.tooManyDeadLetters, "")) { try await consume(maximum: 5) }
        #expect(try store.deadLetters(of: "c").count == 5)
        #expect(try await store.discardDeadLetter(parked[0].change.sequenceNumber, of: "c"))
        try await consume(maximum: 5)
        #expect(try values(store.deadLetters(of: "c")) == [2, 3, 4, 5, 6])
    }

    @Test("The limit is 10,000 unless another is given, and 1 or more")
    func limits() async throws {
        #expect(ConsumerFailurePolicy.deadLetter.maximumDeadLetters == 10_000)
        try await store.addConsumer("c", after: .trimHorizon)
        for policy in [
            ConsumerFailurePolicy(attemptCount: 0), ConsumerFailurePolicy(maximumDeadLetters: 0),
            ConsumerFailurePolicy(maximumDeadLetters: .min),
        ] {
            await #expect(throws: CodexError(.invalidArgument, "")) {
                try await store.consume("c", onFailure: policy) { _, _ in }
            }
            await #expect(throws: CodexError(.invalidArgument, "")) {
                try await store.deliverEvents(to: "c", onFailure: policy) { _ in }
            }
        }
        try await write(3)
        let error = await #expect(throws: CodexError.self) { try await consume(maximum: 1) }
        #expect(error?.code == .tooManyDeadLetters)
        try await consume(maximum: .max)
        #expect(try values(store.deadLetters(of: "c")) == [1, 2, 3])
    }

    @Test("The full limit is reached and not passed")
    func fullLimit() async throws {
        let maximum = ConsumerFailurePolicy.defaultMaximumDeadLetters
        try await store.addConsumer("c")
        try await store.write { transaction in
            for number in 0...maximum {
                try transaction.put(["partition": .string("p\(number)")], in: "samples")
            }
        }
        let changes = try store.retainedChanges(after: .trimHorizon)
        #expect(changes.count == maximum + 1)
        @Sendable func park(
            _ change: ChangeRecord, _ transaction: borrowing WriteTransaction
        ) throws {
            let parked = DeadLetter(
                change: change, error: Refusal(), attemptCount: 1, hidesValues: false)
            try transaction.context.deadLetters.add(parked, of: "c", countMax: maximum)
        }
        try await store.write { transaction in
            for change in changes.dropLast() { try park(change, transaction) }
        }
        #expect(try store.consumers()[0].deadLetterCount == maximum)
        #expect(try store.stats().consumers[0].deadLetterCount == maximum)
        await #expect(throws: CodexError(.tooManyDeadLetters, "")) {
            try await store.write { try park(changes[maximum], $0) }
        }
        // In the place of itself there is room.
        try await store.write { try park(changes[maximum - 1], $0) }
        #expect(try store.consumers()[0].deadLetterCount == maximum)
        try await store.removeConsumer("c")
        try await store.addConsumer("c")
        #expect(try store.consumers()[0].deadLetterCount == 0)
    }

    @Test("Of two that consume under one name both end at the limit, with nothing parked twice")
    func twoConsumers() async throws {
        try await store.addConsumer("c", after: .trimHorizon)
        try await write(20)
        let codes = await withTaskGroup(of: CodexError.Code?.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    do {
                        try await consume(maximum: 5)
                        return nil
                    } catch {
                        return (error as? CodexError)?.code
                    }
                }
            }
            var codes: [CodexError.Code?] = []
            for await code in group { codes.append(code) }
            return codes
        }
        #expect(codes == [.tooManyDeadLetters, .tooManyDeadLetters])
        #expect(try values(store.deadLetters(of: "c")) == [1, 2, 3, 4, 5])
        // A consumer goes by its own limit.
        await #expect(throws: CodexError(.tooManyDeadLetters, "")) { try await consume(maximum: 8) }
        #expect(try values(store.deadLetters(of: "c")) == [1, 2, 3, 4, 5, 6, 7, 8])
        await #expect(throws: CodexError(.tooManyDeadLetters, "")) { try await consume(maximum: 5) }
        #expect(try store.deadLetters(of: "c").count == 8)
    }

    @Test("A reset, a rebuild and a successful retry make room")
    func room() async throws {
        try await store.addConsumer("c", after: .trimHorizon)
        try await write(8)
        await #expect(throws: CodexError(.tooManyDeadLetters, "")) { try await consume(maximum: 5) }
        let second = try store.deadLetters(of: "c")[1].change.sequenceNumber
        try await store.resetConsumer("c", to: .sequenceNumber(second))
        #expect(try values(store.deadLetters(of: "c")) == [1, 2])
        await #expect(throws: CodexError(.tooManyDeadLetters, "")) { try await consume(maximum: 5) }
        #expect(try values(store.deadLetters(of: "c")) == [1, 2, 3, 4, 5])
        let counts = try await store.retryDeadLetters(of: "c") { _, change in
            guard try change.newImage?["value"]?.number?.int64 != 4 else { throw Refusal() }
        }
        #expect(counts == (4, 1))
        try await consume(maximum: 5)
        #expect(try values(store.deadLetters(of: "c")) == [4, 6, 7, 8])
        await #expect(throws: Refusal.self) {
            try await store.rebuildConsumer("c") { _ in throw Refusal() }
        }
        #expect(try store.consumers()[0].deadLetterCount == 4)
        try await store.rebuildConsumer("c") { _ in }
        #expect(try store.consumers()[0].deadLetterCount == 0)
    }

    // MARK: Removal

    @Test("What is removed unread is there again if the body fails, and its group is done")
    func undone() async throws {
        try await store.addConsumer("c", after: .trimHorizon)
        try await write(50)
        try await park()
        let before = try store.deadLetters(of: "c").map(\.change.sequenceNumber)
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<40 {
                group.addTask { [store] in
                    do {
                        try await store.write { transaction in
                            try transaction.put(
                                ["partition": .string("other\(number)")], in: "samples")
                            guard number % 4 == 0 else { return }
                            try transaction.context.deadLetters.forget("c")
                            let reads = ConsumerReads(transaction.context)
                            #expect(try reads.deadLetterCount(of: "c") == 0)
                            throw Refusal()
                        }
                        #expect(number % 4 != 0)
                    } catch {
                        #expect(error is Refusal && number % 4 == 0)
                    }
                }
            }
        }
        #expect(try store.deadLetters(of: "c").map(\.change.sequenceNumber) == before)
        for number in 0..<40 {
            let item = try store.item(in: "samples", key: PrimaryKey(.string("other\(number)")))
            #expect((item != nil) == (number % 4 != 0))
        }
        #expect(try store.verify().isSound)
    }

    @Test("What is removed over many pages is gone, and what others have stays")
    func removedPages() async throws {
        try await store.addConsumer("c", after: .trimHorizon)
        try await store.addConsumer("d", after: .trimHorizon)
        try await store.write { transaction in
            for number in 0..<2500 {
                try transaction.put(["partition": .string("p\(number)")], in: "samples")
            }
        }
        try await park(leaving: 0)
        try await park(of: "d", leaving: 0)
        let numbers = try store.deadLetters(of: "c", limit: .max).map(\.change.sequenceNumber)
        #expect(numbers.count == 2500)
        try await store.resetConsumer("c", to: .sequenceNumber(numbers[9]))
        #expect(
            try store.deadLetters(of: "c").map(\.change.sequenceNumber)
                == Array(numbers.prefix(10)))
        try await store.removeConsumer("c")
        try await store.addConsumer("c")
        #expect(try store.consumers().map(\.deadLetterCount) == [0, 2500])
    }

    // MARK: Pages

    private typealias Entries = [(key: [UInt8], value: [UInt8])]

    private func byteCount(_ entries: Entries) -> Int {
        entries.reduce(0) { $0 + $1.key.count + $1.value.count }
    }

    private func pages(_ countMax: Int, _ byteCountMax: Int) throws -> [Entries] {
        var pages: [Entries] = []
        while true {
            let last = pages.last?.last?.key
            let page = try store.core.withReadContext { context in
                try ConsumerReads(context).entries(
                    of: DeadLetter.prefix("c"), after: last, countMax: countMax,
                    byteCountMax: byteCountMax)
            }
            if page.isEmpty { return pages }
            pages.append(page)
        }
    }

    @Test("Pages have neither more changes nor more bytes than they may, and one at least")
    func pageBounds() async throws {
        for name in ["b", "c", "c!", "cc"] { try await store.addConsumer(name) }
        try await write(30, byteCount: 300_000)
        for name in ["b", "c", "c!", "cc"] { try await park(of: name) }
        let whole = try pages(.max, .max)
        #expect(whole.count == 1 && whole[0].count == 30)
        let bounds: [(Int, Int)] = [
            (7, .max), (1, .max), (.max, 1_000_000), (.max, 1), (3, 1_000_000),
            (DeadLetterPages.countMax, DeadLetterPages.byteCountMax),
        ]
        for (countMax, byteCountMax) in bounds {
            let split = try pages(countMax, byteCountMax)
            #expect(split.flatMap { $0.map(\.key) } == whole[0].map(\.key))
            for page in split where page.count > 1 {
                #expect(page.count <= countMax && byteCount(page) <= byteCountMax)
            }
            var reader = try DeadLetterPages(
                store.core, "c", .newImage, countMax: countMax, byteCountMax: byteCountMax)
            var read: [DeadLetter] = []
            while let parked = try reader.next() { read.append(parked) }
            #expect(try values(read) == Array(1...30))
            #expect(try reader.next() == nil)
        }
        #expect(try pages(.max, 1_000_000).allSatisfy { (1...3).contains($0.count) })
        #expect(try pages(.max, DeadLetterPages.byteCountMax).count == 3)
    }

    @Test("Dead letters can be looked at some at a time")
    func after() async throws {
        try await store.addConsumer("c")
        #expect(try store.deadLetters(of: "c").isEmpty)
        try await write(23)
        try await park()
        for limit in [1, 7, 22, 23, 24] {
            var seen: [DeadLetter] = []
            while true {
                let more = try store.deadLetters(
                    of: "c", after: seen.last?.change.sequenceNumber, limit: limit)
                #expect(more.count <= limit)
                if more.isEmpty { break }
                seen += more
            }
            #expect(try values(seen) == Array(1...23))
        }
        #expect(try store.deadLetters(of: "c", limit: 0).isEmpty)
        #expect(try store.deadLetters(of: "c", limit: -1).isEmpty)
        #expect(throws: CodexError(.unknownConsumer, "")) { try store.deadLetters(of: "d") }
    }

    @Test("A retry over many pages tries each once, in order, and not what is parked meanwhile")
    func retry() async throws {
        try await store.addConsumer("c")
        try await store.write { transaction in
            for number in 1...2300 {
                try transaction.put(
                    ["partition": .string("p\(number)"), "value": .number(Number(number))],
                    in: "samples")
            }
        }
        try await park(leaving: 100)
        let late = try store.retainedChanges(after: .trimHorizon).suffix(100)
        let tried = Mutex<[Int64]>([])
        let counts = try await store.retryDeadLetters(of: "c", view: .newImage) {
            transaction, change in
            let value = try change.newImage?["value"]?.number?.int64 ?? 0
            tried.withLock { $0.append(value) }
            if value % 3 == 0 { throw Refusal() }
            guard value <= 100, let next = late.dropFirst(Int(value) - 1).first else { return }
            let parked = DeadLetter(
                change: next, error: Refusal(), attemptCount: 1, hidesValues: false)
            try transaction.context.deadLetters.add(parked, of: "c", countMax: .max)
        }
        // Its transaction may run again.
        var order = tried.withLock { $0 }
        order = zip(order, order.dropFirst()).filter { $0 != $1 }.map { $0.0 } + order.suffix(1)
        #expect(order == Array(1...2200))
        #expect(counts == (2200 - 733, 733))
        let left = try store.deadLetters(of: "c", limit: .max)
        #expect(left.count == 733 + 67)
        #expect(left.prefix(733).allSatisfy { $0.attemptCount == 2 })
        #expect(left.suffix(67).allSatisfy { $0.attemptCount == 1 })
        await #expect(throws: CodexError(.unknownConsumer, "")) {
            try await store.retryDeadLetters(of: "d") { _, _ in }
        }
    }

    @Test("Of the text of an error so much is kept, in whole characters")
    func errorText() async throws {
        struct Talk: Error, CustomStringConvertible { let description: String }
        try await write(1)
        let change = try #require(try store.retainedChanges(after: .trimHorizon).first)
        func kept(_ text: String) -> String {
            DeadLetter(
                change: change, error: Talk(description: text), attemptCount: 1,
                hidesValues: false
            ).error
        }
        let most = DeadLetter.errorByteCountMax
        for text in ["", "é", String(repeating: "a", count: most)] { #expect(kept(text) == text) }
        #expect(kept(String(repeating: "a", count: most + 1)).utf8.count == most)
        for character in ["é", "€", "🙂"] {
            let text = kept("a" + String(repeating: character, count: most))
            #expect((most - 3...most).contains(text.utf8.count))
            #expect(text == "a" + String(repeating: character, count: text.count - 1))
        }
    }
}
