import Codex
import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Synchronization
import TestSupport
import Testing

/// Commands on a remote table that pass each other while they change which task waits for which.
///
/// They must leave what one of their orders leaves in a store.
@Suite("Links that are made at the same time")
struct LinkRaceTests {
    /// What commands gave and left.
    private struct Ending: Hashable {
        let outcomes: [String]
        let state: LinkState
    }

    /// The items that commands leave in a project of olga's.
    ///
    /// The commands run once. Each store that a test needs then begins with these items.
    private static func items(after changes: [LinkChange]) async throws -> [Item] {
        let fixture = try Fixture(emptyAt: .embedded)
        let workspace = fixture.workspace
        try await workspace.createUser(email: "olga@example.com", name: "Olga", id: "olga")
        try await workspace.createProject(key: "ENG", name: "Engine", id: "p", owner: "olga")
        for change in changes { _ = await change.outcome(in: workspace) }
        return try fixture.contents
    }

    /// The ending of commands that run one after the other in a store.
    ///
    /// - Parameters:
    ///   - changes: The commands.
    ///   - order: The places of the commands, in the order in which they run.
    ///   - start: The items that are there first.
    /// - Returns: The ending, with the outcomes in the order of `changes`.
    /// - Throws: The errors of the store.
    private static func ending(
        of changes: [LinkChange], in order: [Int], from start: [Item]
    ) async throws -> Ending {
        let fixture = try await Fixture(items: start)
        var outcomes = [String](repeating: "", count: changes.count)
        for place in order {
            outcomes[place] = await changes[place].outcome(in: fixture.workspace)
        }
        return Ending(outcomes: outcomes, state: try LinkState(fixture.store))
    }

    /// The endings of all orders of commands.
    private static func endings(
        of changes: [LinkChange], from start: [Item]
    ) async throws -> Set<Ending> {
        var endings: Set<Ending> = []
        for order in orders(of: changes.count) {
            endings.insert(try await ending(of: changes, in: order, from: start))
        }
        return endings
    }

    private static func orders(of count: Int) -> [[Int]] {
        guard count > 0 else { return [[]] }
        return orders(of: count - 1).flatMap { order in
            (0...order.count).map { place in
                var longer = order
                longer.insert(count - 1, at: place)
                return longer
            }
        }
    }

    private static func workspace(
        _ table: some TableBackend, _ clock: ManualClock
    ) throws -> CodexFlow.Workspace {
        CodexFlow.Workspace(
            try CodexFlow.TableWorkspaceBackend(table), clock: { clock.now },
            calendar: SystemCalendar())
    }

    // MARK: Two commands

    /// Two commands, of which the second comes between two calls of the first.
    struct Pair: Sendable, CustomTestStringConvertible {
        let before: [LinkChange]
        let first: LinkChange
        let second: LinkChange
        /// The distance of the calls before which the second one is tried.
        let step: Int

        var testDescription: String { "\(first), \(second)" }

        init(
            _ first: LinkChange, _ second: LinkChange, after before: [LinkChange] = [],
            step: Int = 1
        ) {
            (self.before, self.first, self.second, self.step) = (before, first, second, step)
        }

        /// Four tasks, and what is done with them first.
        private static func tasks(_ changes: LinkChange...) -> [LinkChange] {
            let ids: [CodexFlow.Task.ID] = ["a", "b", "c", "d"]
            return ids.map { LinkChange.create($0) } + changes
        }

        static let all: [Self] = [
            // Circles, with and without a task that waits for both ends.
            Pair(.link("a", on: "b"), .link("b", on: "a"), after: tasks()),
            Pair(
                .link("a", on: "b"), .link("b", on: "a"),
                after: tasks(.link("c", on: "a"), .link("d", on: "b"))),
            Pair(
                .link("a", on: "b"), .link("c", on: "d"),
                after: tasks(.link("b", on: "c"), .link("d", on: "a"))),
            Pair(.link("a", on: "b"), .part("a", of: "b"), after: tasks(.link("c", on: "a"))),
            Pair(.part("a", of: "b"), .link("a", on: "b"), after: tasks(.link("c", on: "b"))),
            Pair(.part("a", of: "b"), .part("b", of: "a"), after: tasks()),
            Pair(.part("a", of: "b"), .part("b", of: "c"), after: tasks(.part("c", of: "d"))),
            Pair(
                .create("n", under: "a", waitingFor: ["b"]), .link("b", on: "a"),
                after: tasks(.link("c", on: "a"))),
            // The state of dependencies, and the marks of the queue.
            Pair(.move("a", to: .canceled), .link("b", on: "a"), after: tasks()),
            Pair(
                .move("a", to: .canceled), .move("b", to: .todo),
                after: tasks(.link("b", on: "a"), .move("b", to: .canceled))),
            Pair(
                .move("a", to: .todo), .move("b", to: .todo),
                after: tasks(
                    .link("b", on: "a"), .move("a", to: .canceled), .move("b", to: .canceled))),
            Pair(
                .move("a", to: .todo), .move("b", to: .inProgress),
                after: tasks(.link("b", on: "a"), .move("a", to: .canceled))),
            Pair(
                .unlink("b", from: "a"), .unlink("b", from: "c"),
                after: tasks(.link("b", on: "a"), .link("b", on: "c"))),
            Pair(
                .unlink("b", from: "a"), .move("c", to: .canceled),
                after: tasks(.link("b", on: "a"), .link("b", on: "c"))),
            Pair(.archive("a"), .link("b", on: "a"), after: tasks(.link("a", on: "c"))),
            Pair(
                .restore("a"), .move("b", to: .canceled),
                after: tasks(.link("b", on: "a"), .archive("a"))),
            Pair(.delete("a"), .link("b", on: "a"), after: tasks(.link("c", on: "a"))),
            // A whole loses its last part, while a claim takes up its last blocker.
            Pair(
                .move("a", to: .canceled),
                LinkChange("b is canceled and taken up") {
                    try await $0.moveTask("b", in: "p", to: .canceled, by: "olga")
                    for _ in 0..<4 { try await LinkChange.claim.command($0) }
                },
                after: tasks(.part("a", of: "c"), .link("c", on: "b"))),
            // More tasks than take locks of their own: the second link is at the far end.
            Pair(
                .link("x", on: "c0"), .link("c14", on: "x"), after: chain(of: 15, behind: "x"),
                step: 9),
        ]

        /// A chain of tasks, each of which waits for the next one, and a task that another waits
        /// for.
        private static func chain(of count: Int, behind last: CodexFlow.Task.ID) -> [LinkChange] {
            let ids = (0..<count).map { CodexFlow.Task.ID(stringLiteral: "c\($0)") }
            var changes = (ids + [last, "w"]).map { LinkChange.create($0) }
            for (id, next) in zip(ids, ids.dropFirst()) { changes.append(.link(id, on: next)) }
            return changes + [.link("w", on: last)]
        }
    }

    /// Runs the first command of a pair, and the second one before a call of the first.
    ///
    /// - Returns: The ending; `nil` if the first one has no such call.
    private static func ending(
        of pair: Pair, before call: Int, from start: [Item]
    ) async throws -> Ending? {
        let fixture = try await Fixture(items: start)
        let other = try workspace(RemoteTable(fixture.store), fixture.clock)
        let count = Mutex(0)
        let second = Mutex<String?>(nil)
        let table = RemoteTable(
            fixture.store,
            at: { _ in
                count.withLock { count in
                    count += 1
                    return count == call + 1
                }
            },
            overtakenBy: {
                let outcome = await pair.second.outcome(in: other)
                second.withLock { $0 = outcome }
            })
        let first = await pair.first.outcome(in: try workspace(table, fixture.clock))
        guard let found = second.withLock({ $0 }) else { return nil }
        let state = try LinkState(fixture.store)
        #expect(try state.faults(in: fixture.store).isEmpty, "call \(call)")
        return Ending(outcomes: [first, found], state: state)
    }

    @Test("Two commands pass each other at each call", arguments: Pair.all)
    func pairs(pair: Pair) async throws {
        let start = try await Self.items(after: pair.before)
        let expected = try await Self.endings(of: [pair.first, pair.second], from: start)
        var call = 0
        while let found = try await Self.ending(of: pair, before: call, from: start) {
            #expect(expected.contains(found), "call \(call): \(found)")
            call += pair.step
        }
        #expect(call > 5)
    }

    // MARK: Many commands

    private static let ids: [CodexFlow.Task.ID] = ["t0", "t1", "t2", "t3", "t4"]
    private static let tasks = ids.map { LinkChange.create($0) }

    /// A command at random.
    ///
    /// - Parameters:
    ///   - random: The source.
    ///   - new: The identifier of a new task; `nil` creates none.
    /// - Returns: The command.
    private static func change(
        _ random: inout SplitMix, new: CodexFlow.Task.ID? = nil
    ) -> LinkChange {
        let (task, other) = (random.pick(ids), random.pick(ids))
        switch random.below(new == nil ? 10 : 11) {
        case 0...2: return .link(task, on: other)
        case 3: return .unlink(task, from: other)
        case 4, 5: return .part(task, of: random.chance(70) ? other : nil)
        case 6: return random.chance(50) ? .archive(task) : .restore(task)
        case 7: return .delete(task)
        case 8, 9: return .move(task, to: random.pick([.todo, .inProgress, .canceled]))
        default: return .create(new ?? task, under: task, waitingFor: [other])
        }
    }

    /// Runs commands of several clients, with turns from a seed.
    private static func outcomes(
        of changes: [LinkChange], in table: any TableBackend, _ clock: ManualClock, seed: UInt64
    ) async throws -> [String] {
        let turns = Turns(seed: seed, clientCount: changes.count)
        let workspaces = try changes.indices.map {
            try workspace(TurnTable(table, turns, client: $0), clock)
        }
        return await withTaskGroup(of: (client: Int, outcome: String).self) { group in
            for (client, change) in changes.enumerated() {
                let workspace = workspaces[client]
                group.addTask {
                    let outcome = await change.outcome(in: workspace)
                    await turns.leave(client)
                    return (client, outcome)
                }
            }
            var outcomes = [String](repeating: "", count: changes.count)
            for await (client, outcome) in group { outcomes[client] = outcome }
            return outcomes
        }
    }

    @Test(
        "Commands of three clients leave what one of their orders leaves",
        arguments: UInt64(1)...UInt64(TestLength.count(12, long: 24)))
    func histories(seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        let before = Self.tasks + (0..<6).map { _ in Self.change(&random) }
        let new: [CodexFlow.Task.ID] = ["n0", "n1", "n2"]
        let changes = new.map { Self.change(&random, new: $0) }
        let start = try await Self.items(after: before)
        let expected = try await Self.endings(of: changes, from: start)
        let fixture = try await Fixture(items: start)
        let outcomes = try await Self.outcomes(
            of: changes, in: RemoteTable(fixture.store), fixture.clock, seed: seed)
        let state = try LinkState(fixture.store)
        let found = Ending(outcomes: outcomes, state: state)
        #expect(expected.contains(found), "\(before), then \(changes): \(found)")
        #expect(try state.faults(in: fixture.store).isEmpty, "\(before), then \(changes)")
    }

    @Test(
        "The same holds with markers, on lagging indexes",
        arguments: UInt64(101)...UInt64(TestLength.count(106, long: 112)))
    func markers(seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        let scene = try await LaggingScene(hasBatches: false)
        let before = Self.tasks + (0..<6).map { _ in Self.change(&random) }
        for change in before { _ = await change.outcome(in: scene.workspace) }
        // A new task takes its number with a second call at the same time, which has no turn.
        let changes = (0..<3).map { _ in Self.change(&random) }
        let expected = try await Self.endings(
            of: changes, from: Self.items(after: before))
        let outcomes = try await Self.outcomes(
            of: changes, in: scene.table, scene.clock, seed: seed)
        let state = try LinkState(scene.store)
        let found = Ending(outcomes: outcomes, state: state)
        #expect(expected.contains(found), "\(before), then \(changes): \(found)")
        #expect(try state.faults(in: scene.store).isEmpty, "\(before), then \(changes)")
        #expect(try await scene.backend.verifyMarkers().missingCount == 0)
    }
}
