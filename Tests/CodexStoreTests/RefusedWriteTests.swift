import CodexCore
import CodexTesting
import Dispatch
import Synchronization
import TestSupport
import Testing

@testable import CodexStore

/// Answers of writes that are refused in a group with others.
@Suite("Refused writes of a group")
struct RefusedWriteTests {
    /// The answers of two writes in one group: the first stores an item, the second needs it absent.
    ///
    /// - Parameter hook: Runs before the group is committed; it gets how many answers there are.
    private func answers(
        _ hook: @escaping @Sendable (_ answerCount: Int) throws -> Void
    ) throws -> [String] {
        let answers = Mutex<[String]>([])
        let isGroup = Atomic(false)
        var options = StoreOptions()
        options.parts.beforeCommit = {
            if isGroup.load(ordering: .relaxed) { try hook(answers.withLock { $0.count }) }
        }
        let temporary = try TemporaryStore(schema: SampleTable.schema(), options: options)
        let writer = try temporary.store.requireWriter()
        let (entered, release) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let answered = DispatchSemaphore(value: 0)
        func job(
            _ name: String, _ body: @escaping @Sendable (inout WriteTransaction) throws -> Void
        ) -> WriteJob {
            ClosureJob<Void>(body) { result in
                let answer =
                    switch result {
                    case .success: "done"
                    case .failure(let error as CodexError): error.code.description
                    case .failure(let error): "\(type(of: error))"
                    }
                answers.withLock { $0.append("\(name): \(answer)") }
                answered.signal()
            }
        }
        try writer.add(
            job("waiting") { _ in
                entered.signal()
                release.wait()
            })
        entered.wait()
        let item: Item = ["partition": "a", "value": 1]
        try writer.add(job("first") { _ = try $0.put(item, in: "samples") })
        try writer.add(
            job("second") { transaction in
                let isAbsent = Condition.attributeNotExists(DocumentPath("partition"))
                try transaction.put(item, in: "samples", condition: isAbsent)
            })
        isGroup.store(true, ordering: .relaxed)
        release.signal()
        for _ in 0..<3 { answered.wait() }
        return answers.withLock { $0.sorted() }
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
}
