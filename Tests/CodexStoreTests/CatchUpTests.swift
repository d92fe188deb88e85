import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Synchronization
import TestSupport
import Testing

/// Consumers that end once they have caught up.
@Suite("Consumption until caught up", .timeLimit(.minutes(30)))
struct CatchUpTests {
    let temporary: TemporaryStore
    var store: Store { temporary.store }

    init() throws { temporary = try TemporaryStore(schema: SampleTable.schema()) }

    private func put(_ number: Int, _ kind: String = "item") async throws {
        let item: Item = [
            "partition": .string("\(kind)\(number)"), "value": .number(Number(number)),
        ]
        try await store.put(item, in: "samples")
    }

    /// Consumes up to the present end, and returns the values of the changes.
    private func consume(
        _ name: String = "c", batchCount: Int = 100, onFailure policy: ConsumerFailurePolicy = .stop
    ) async throws -> [Int64] {
        let values = Mutex<[Int64]>([])
        try await store.consume(
            name, batchCount: batchCount, onFailure: policy, until: .caughtUp
        ) { _, changes in
            let found = try changes.map { try $0.newImage?["value"]?.number?.int64 ?? -1 }
            if found.contains(13) { throw Refusal() }
            values.withLock { $0 += found }
        }
        return values.withLock { $0 }
    }

    private struct Refusal: Error {}

    private func sequence() throws -> UInt64 { try store.stats().sequence }

    @Test("It returns after all changes, and the next call has only later ones")
    func end() async throws {
        try await store.addConsumer("c", after: .trimHorizon)
        for number in 0..<25 { try await put(number == 13 ? 99 : number) }
        var expected = Array(Int64(0)..<25)
        expected[13] = 99
        #expect(try await consume(batchCount: 7) == expected)
        #expect(try await consume() == [])
        try await put(30)
        #expect(try await consume() == [30])
        let status = try #require(try store.consumers().first)
        #expect(status.lagCommitCount == 0)
    }

    @Test("Without changes it returns at once, and writes nothing")
    func nothing() async throws {
        try await store.addConsumer("c")
        #expect(try await consume() == [])
        try await put(1)
        #expect(try await consume() == [1])
        let before = try sequence()
        for _ in 0..<3 { #expect(try await consume() == []) }
        #expect(try sequence() == before)
        await #expect(throws: CodexError(.unknownConsumer, "")) { try await consume("absent") }
        await #expect(throws: CodexError(.invalidArgument, "")) { try await consume(batchCount: 0) }
    }

    @Test("Changes that a filter excludes are passed, and large ones move the checkpoint")
    func filter() async throws {
        let filter = ChangeFilter(partitionKeyPrefix: "rare")
        try await store.addConsumer("c", after: .trimHorizon, filter: filter)
        for number in 0..<5 { try await put(number) }
        try await put(7, "rare")
        for number in 0..<5 { try await put(number) }
        #expect(try await consume() == [7])
        // More than a consumer may leave behind its checkpoint.
        var random = SplitMix(seed: 7)
        for number in 0..<8 {
            let filler = (0..<300_000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let item: Item = [
                "partition": .string("large\(number)"), "content": .binary(filler),
            ]
            try await store.put(item, in: "samples")
        }
        let last = try sequence()
        #expect(try await consume() == [])
        let status = try #require(try store.consumers().first)
        #expect(status.sequenceNumber.commit >= last)
        try await put(8, "rare")
        #expect(try await consume() == [8])
    }

    @Test("A consumer that gets its own writes ends all the same")
    func ownWrites() async throws {
        try await store.addConsumer("echo", after: .trimHorizon)
        for number in 1...10 { try await put(number) }
        let count = Mutex(0)
        try await store.consume("echo", batchCount: 3, until: .caughtUp) { transaction, changes in
            count.withLock { $0 += changes.count }
            for change in changes {
                guard case .string(let name) = try change.key.partition else { continue }
                try transaction.put(["partition": .string("echo of \(name)")], in: "samples")
            }
        }
        let consumed = count.withLock { $0 }
        #expect(consumed >= 10 && consumed < 40)
        for number in 1...10 {
            let key = PrimaryKey(.string("echo of item\(number)"))
            #expect(try store.item(in: "samples", key: key) != nil)
        }
    }

    @Test("Writers that do not stop do not keep it from ending")
    func writers() async throws {
        try await store.addConsumer("c", after: .trimHorizon)
        for number in 20..<40 { try await put(number) }
        let writer = _Concurrency.Task {
            var number = 100
            while !_Concurrency.Task.isCancelled {
                try? await put(number)
                number += 1
            }
        }
        let values = try await consume(batchCount: 5)
        writer.cancel()
        await writer.value
        #expect(values.starts(with: Array(Int64(20)..<40)))
    }

    // MARK: Failures

    @Test("A failure ends it with the error, or becomes a dead letter that is done")
    func failures() async throws {
        try await store.addConsumer("c", after: .trimHorizon)
        for number in 11...15 { try await put(number) }
        let once = ConsumerFailurePolicy(attemptCount: 1)
        await #expect(throws: Refusal.self) { try await consume(onFailure: once) }
        let keeping = ConsumerFailurePolicy(attemptCount: 1, keepsDeadLetters: true)
        // The changes before the failed one are done.
        #expect(try await consume(onFailure: keeping) == [14, 15])
        let letters = try store.deadLetters(of: "c")
        #expect(try letters.map { try $0.change.newImage?["value"]?.number?.int64 } == [13])
        #expect(try await consume(onFailure: keeping) == [])
    }

    @Test("A consumer that is set back meanwhile gets its changes before the call ends")
    func reset() async throws {
        try await store.addConsumer("c", after: .trimHorizon)
        for number in 1...4 { try await put(number) }
        let values = Mutex<[Int64]>([])
        try await store.consume("c", batchCount: 2, until: .caughtUp) { transaction, changes in
            let found = try changes.map { try $0.newImage?["value"]?.number?.int64 ?? -1 }
            let isFirst = values.withLock { values in
                defer { values += found }
                return values.isEmpty
            }
            // As if another process had done it right after this transaction.
            if isFirst { try transaction.moveConsumer("c", to: SequenceNumber(commit: 0)) }
        }
        #expect(values.withLock { $0 } == [1, 2, 1, 2, 3, 4])
        #expect(try await consume() == [])
    }

    @Test("A cancelled task ends with the cancellation")
    func cancellation() async throws {
        try await store.addConsumer("c", after: .trimHorizon)
        for number in 1...3 { try await put(number) }
        let task = _Concurrency.Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await consume()
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try await consume() == [1, 2, 3])
    }
}
