import CodexCore
import CodexTesting
import Synchronization
import TestSupport
import Testing

@testable import CodexStore

/// Answers of writes that are refused in a group with others.
@Suite("Refused writes of a group")
struct RefusedWriteTests {
    /// The answers of two writes in one group: the first stores an item, the second needs it
    /// absent.
    ///
    /// `hook` runs before the group is committed; it gets how many answers there are.
    private func answers(
        _ hook: @escaping @Sendable (_ answerCount: Int) throws -> Void
    ) throws -> [String] {
        let group = WriteGroup()
        let isGroup = Atomic(false)
        var options = StoreOptions()
        options.parts.beforeCommit = {
            if isGroup.load(ordering: .relaxed) { try hook(group.answerCount) }
        }
        let temporary = try TemporaryStore(schema: SampleTable.schema(), options: options)
        let item: Item = ["partition": "a", "value": 1]
        return try group.run(
            [
                "first": { _ = try $0.put(item, in: "samples") },
                "second": { transaction in
                    let isAbsent = Condition.attributeNotExists(DocumentPath("partition"))
                    try transaction.put(item, in: "samples", condition: isAbsent)
                },
            ], in: temporary.store
        ) { isGroup.store(true, ordering: .relaxed) }
    }

    @Test("A refusal that rests on another write is answered after the commit")
    func afterCommit() throws {
        let before = Mutex<[Int]>([])
        let answers = try answers { count in before.withLock { $0.append(count) } }
        #expect(answers == ["first: done", "second: conditionFailed", "waiting: done"])
        // The answer to the write before the group may come late.
        #expect(before.withLock { $0.allSatisfy { $0 <= 1 } && !$0.isEmpty })
    }

    @Test("If the commit fails, the refusal is not the answer: its reason never was")
    func failedCommit() throws {
        let answers = try answers { _ in throw CodexError(.commitFailed, "") }
        #expect(answers == ["first: commitFailed", "second: commitFailed", "waiting: done"])
    }

    // MARK: Room

    /// A store with 8 MiB of addresses.
    ///
    /// The items of ``putLarge(_:)`` fit into it, but a commit with them reserves more.
    private func smallStore() throws -> TemporaryStore {
        var options = StoreOptions(durability: .none)
        options.mapByteCount = 8 << 20
        return try TemporaryStore(schema: SampleTable.schema(), options: options)
    }

    /// 300 KB that do not compress.
    private static let noise: AttributeValue = {
        var random = SplitMix(seed: 1)
        return .binary((0..<300_000).map { _ in UInt8.random(in: 0...255, using: &random) })
    }()

    private static func putLarge(_ transaction: inout WriteTransaction) throws {
        for number in 0..<15 {
            let item: Item = ["partition": .string("large \(number)"), "content": noise]
            try transaction.put(item, in: "samples")
        }
    }

    @Test("Changes that were undone take no room from the other writes of the group")
    func undoneChanges() throws {
        let temporary = try smallStore()
        let answers = try WriteGroup().run(
            [
                "large": { transaction in
                    try Self.putLarge(&transaction)
                    throw CodexError(.conditionFailed, "")
                },
                "small": { _ = try $0.put(["partition": "small"], in: "samples") },
            ], in: temporary.store)
        #expect(answers == ["large: conditionFailed", "small: done", "waiting: done"])
        #expect(try temporary.store.count(TableScan(table: "samples")).count == 1)
        #expect(try temporary.store.verify().isSound)
    }

    @Test("Undoing changes restores all counts of the record")
    func counts() throws {
        let temporary = try TemporaryStore(schema: SampleTable.schema())
        try temporary.store.write { transaction in
            try transaction.put(["partition": "a", "content": "kept"], in: "samples")
            let context = transaction.context
            let (mark, bytes, counts) = (context.mark, context.record.bytes, context.record.counts)
            try transaction.put(["partition": "a", "content": "longer content"], in: "samples")
            try transaction.put(["partition": "b", "content": Self.noise], in: "samples")
            try context.setSystem(.consumers, [9], [UInt8](repeating: 1, count: 10_000))
            #expect(context.record.counts != counts)
            try context.rollBack(to: mark)
            #expect(context.record.counts == counts)
            #expect(context.record.bytes == bytes)
        }
        #expect(try temporary.store.verify().isSound)
    }

    // MARK: Errors of bodies that run again

    /// An error that is counted as long as it lives, as one with the items of a failed condition.
    private struct LiveError: Error {
        let value: CountedValue
    }

    @Test(
        "The error of a body does not live any more when the body runs again",
        arguments: [true, false])
    func errorsOfReruns(breaks: Bool) throws {
        let temporary = try smallStore()
        let errors = LiveCount()
        let countsAtBegin = Mutex<[Int]>([])
        let answers = try WriteGroup().run(
            [
                "first": { _ = try $0.put(["partition": "small"], in: "samples") },
                "refused": { _ in
                    countsAtBegin.withLock { $0.append(errors.value) }
                    throw LiveError(value: CountedValue(errors))
                },
                "culprit": { transaction in
                    // It breaks the transaction, or leaves no room for the commit.
                    guard breaks else { return try Self.putLarge(&transaction) }
                    try transaction.context.recordingFailure { () throws(CodexError) -> Void in
                        throw CodexError(.storeFull, "")
                    }
                },
            ], in: temporary.store)
        #expect(
            answers == [
                "culprit: storeFull", "first: done", "refused: LiveError", "waiting: done",
            ])
        #expect(countsAtBegin.withLock { $0 } == [0, 0])
        #expect(try temporary.store.count(TableScan(table: "samples")).count == 1)
    }
}
