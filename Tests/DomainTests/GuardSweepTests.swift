import Codex
import CodexCore
import CodexStore
import CodexTesting
import Synchronization
import Testing

@testable import CodexWorkspace

/// The removal of guards beside commands.
@Suite("Removal of guards")
struct GuardSweepTests {
    // MARK: A model of one guard

    /// What may happen to a guard between the read and the write of a command.
    private enum Step: CaseIterable {
        case tick, increment, mark, remove
    }

    /// A guard, and a command that has read it.
    private struct World {
        var guardItem: Item?
        var now = 0
        /// The time of the last mark.
        var markedAt = 0
        var markCount = 0
        var readItem: Item?
        var readAt = 0
        /// Whether another command incremented the guard since it was read.
        var isOvertaken = false

        /// How many ticks a sweep waits.
        static let age = 2

        private var mark: AttributeValue { .number(Number(markCount)) }

        private static let increment: Update = {
            let action = CodexFlow.PredicateLock.action("x", counts: true, read: nil)
            guard case .update(_, _, let update, _) = action else { return Update() }
            return update
        }()

        mutating func take(_ step: Step) throws {
            switch step {
            case .tick: now += 1
            case .increment:
                guardItem = try Self.increment.apply(to: guardItem ?? Item())
                isOvertaken = true
            case .mark:
                guard let item = guardItem else { return }
                (markCount, markedAt) = (markCount + 1, now)
                let update = Update([
                    .set(CodexFlow.PredicateLock.mark, .operand(.value(mark)))
                ])
                guardItem = try update.apply(to: item)
            case .remove:
                let isMarked = guardItem?[CodexFlow.PredicateLock.mark.root] == mark
                if isMarked, now - markedAt >= Self.age { guardItem = nil }
            }
        }

        mutating func read() { (readItem, readAt, isOvertaken) = (guardItem, now, false) }

        /// Whether the command writes although another one was faster.
        func passes(within readAge: Int, _ isUnchanged: (Item?) -> Condition) -> Bool {
            isOvertaken && now - readAt <= readAge
                && isUnchanged(readItem).evaluate(guardItem ?? Item())
        }
    }

    /// In how many histories a command writes that should not.
    private static func passCount(
        within readAge: Int, _ isUnchanged: @escaping (Item?) -> Condition
    ) throws -> Int {
        var count = 0
        func go(_ world: World, before: Int, after: Int, hasRead: Bool) throws {
            if hasRead, world.passes(within: readAge, isUnchanged) { count += 1 }
            if !hasRead {
                var reading = world
                reading.read()
                try go(reading, before: 0, after: after, hasRead: true)
            }
            guard hasRead ? after > 0 : before > 0 else { return }
            for step in Step.allCases {
                var next = world
                try next.take(step)
                try go(
                    next, before: before - 1, after: hasRead ? after - 1 : after,
                    hasRead: hasRead)
            }
        }
        try go(World(), before: 3, after: 5, hasRead: false)
        return count
    }

    @Test(
        "In all short histories, a command that is younger than a mark passes no other one",
        arguments: [(0, true), (1, true), (2, false)])
    func histories(readAge: Int, isSafe: Bool) throws {
        let count = try Self.passCount(within: readAge) {
            CodexFlow.PredicateLock.isUnchanged($0)
        }
        #expect((count == 0) == isSafe)
    }

    @Test("The number alone does not tell a guard from one that was removed and made again")
    func numbers() throws {
        let count = try Self.passCount(within: 1) { old in
            guard let number = old?["count"] else { return .attributeNotExists("count") }
            return .compare(.path("count"), .equal, .value(number))
        }
        #expect(count > 0)
    }

    // MARK: Tables

    /// The guards of a store.
    private static func guards(_ store: Store) throws -> [PrimaryKey: Item] {
        let definition = try CodexFlow.schema.table(CodexFlow.table)
        var found: [PrimaryKey: Item] = [:]
        for item in try store.items(scanning: TableScan(table: CodexFlow.table)).items {
            let key = try definition.primaryKey(of: item)
            if CodexFlow.PredicateLock.isKey(key) { found[key] = item }
        }
        return found
    }

    @Test("Guards that no command increments go, others stay, and commands go on")
    func sweep() async throws {
        let scene = try await LaggingScene()
        try await scene.task("whole") { $0.status = .inProgress }
        try await scene.task("a") { $0.parentID = "whole" }
        let before = try Self.guards(scene.store)
        let count = try await scene.backend.removeUnusedGuards {
            try await scene.task("b") { $0.parentID = "whole" }
        }
        let kept = try Self.guards(scene.store).filter { before[$0.key] != nil }
        #expect(count > 0 && !kept.isEmpty && kept.count == before.count - count)
        for (key, item) in kept {
            #expect(item["count"] != before[key]?["count"])
            #expect(item[CodexFlow.PredicateLock.mark.root] == nil)
        }
        let all = try Self.guards(scene.store).count
        let removedCount = try await scene.backend.removeUnusedGuards {}
        #expect(removedCount == all)
        #expect(try Self.guards(scene.store).isEmpty)
        await scene.expect(.taskChildren) {
            try await scene.workspace.completeTask("whole", in: "p", by: "mia")
        }
        #expect(try await scene.backend.verifyMarkers().missingCount == 0)
    }

    @Test(
        "A command whose reads are older than guards may be decides again",
        arguments: [-1, 0, 1])
    func oldReads(difference: Int) async throws {
        let scene = try await LaggingScene()
        let late = CodexFlow.GuardSweep.readAgeMax + .seconds(difference)
        // A command looks at the time before its first read and before its write.
        let times = Mutex<[Duration]>([.zero, late])
        let lookCount = Mutex(0)
        var backend = scene.backend
        backend.elapsed = {
            lookCount.withLock { $0 += 1 }
            return times.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
        }
        try await backend.commit { reader in
            let user = try reader.get(.user("mia"))
            let writes = user.map { [CodexFlow.DecisionWrite.replace($0)] }
            return CodexFlow.Decision((), writes ?? [])
        }
        #expect(lookCount.withLock { $0 } == (difference > 0 ? 4 : 2))
    }
}
