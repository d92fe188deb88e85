import CodexCore
import CodexStore
import CrashSupport
import Foundation
import TestSupport
import Testing

/// Recovery takes memory for a part of the log at a time, however large the commits are.
@Suite("Memory of a recovery", .serialized)
struct RecoveryMemoryTests {
    private let directory: TestDirectory
    private var path: String { directory.path + "/store" }
    private static let (commitCount, commitByteCount) = (70, 300_000)

    /// Leaves a store with large commits, none of which is in a checkpoint.
    init() throws {
        directory = try TestDirectory()
        let agent = try DrivenAgent(
            opening: directory.path + "/store", "interval=3600000 changes=1000000")
        try agent.must("put s 0 \(Self.commitCount) \(Self.commitByteCount)")
        agent.kill()
    }

    private func recover(_ change: (inout StoreOptions) -> Void) throws -> StepCount {
        let steps = StepCount()
        var options = StoreOptions()
        options.parts.reached = { steps.reached($0) }
        change(&options)
        let store = try Store(at: path, options: options)
        #expect(store.recovery?.commitCount == Self.commitCount)
        store.close()
        #expect(try NumberedItems.numbers(at: path) == Set(0..<Self.commitCount))
        return steps
    }

    @Test("Large commits are redone in transactions of so many bytes, and one commit each")
    func batches() throws {
        let limit = 1 << 20
        let steps = try recover { $0.redoneByteCountMax = limit }
        // A batch has the commit that goes over the limit, too.
        let most = limit / Self.commitByteCount + 1
        #expect(steps[.redone] >= Self.commitCount / most)
        #expect(steps[.redone] <= Self.commitCount / (most - 1) + 1)
    }

    @Test("A limit below one commit redoes commit by commit")
    func single() throws {
        let steps = try recover { $0.redoneByteCountMax = 1 }
        #expect(steps[.redone] >= Self.commitCount)
    }

    @Test("Redone bytes count towards checkpoints, which give back what was replaced")
    func checkpoints() throws {
        let steps = try recover { options in
            options.redoneByteCountMax = 1 << 20
            options.checkpoints.dirtyByteCount = 4 << 20
        }
        let byteCount = Self.commitCount * Self.commitByteCount
        #expect(steps[.checkpointPublished] >= byteCount / (6 << 20))
    }

    @Test("A process that is killed in each recovery gets on with the next")
    func killedAgain() throws {
        var sequences: [UInt64] = []
        var isOpen = false
        while !isOpen, sequences.count < 20 {
            let agent = try DrivenAgent()
            agent.tell(
                "open s \(path) schema=no redone=1000000 dirty=4000000 kill=checkpointPublished")
            if let answer = try? agent.answer() {
                #expect(answer.code == nil, "\(answer)")
                isOpen = true
            }
            sequences.append(try LogInspection(at: path).checkpointSequence)
        }
        #expect(isOpen)
        // Each left a checkpoint behind the one before.
        #expect(sequences.count > 3)
        #expect(zip(sequences, sequences.dropFirst(2)).allSatisfy { $0 < $1 })
        #expect(try NumberedItems.numbers(at: path) == Set(0..<Self.commitCount))
    }
}
