import CodexCore
import CodexStore

/// Changes at random what the cache's tests read: users, and tasks that go from one to another.
struct Bumper: Sendable {
    let store: Store
    private var state: UInt64

    init(_ store: Store, seed: UInt64) {
        self.store = store
        state = seed &* 2 &+ 1
    }

    private mutating func next(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(bound))
    }

    /// One change, each of which has a number of its own, larger than those before.
    mutating func step() async throws {
        let (user, other, task, kind) = (next(20), next(20), next(30), next(10))
        try await store.write { transaction in
            var clock =
                try transaction.get(.sequence("CLOCK", of: "clock"))
                ?? CodexFlow.NumberSequence(projectID: "clock", name: "CLOCK")
            clock.last += 1
            try transaction.put(clock)
            let id = try CodexFlow.User.ID("u\(user)")
            switch kind {
            case 0: try transaction.delete(.user(id))
            case 1...5:
                try transaction.put(
                    CodexFlow.User(
                        id: id, email: "u\(user)@example.com", name: "\(clock.last)"))
            default:
                var moved = CodexFlow.Task(
                    id: try .init("t\(task)"), projectID: "p", title: "\(clock.last)")
                moved.assigneeID = try .init("u\(other)")
                try transaction.put(moved)
            }
        }
    }
}
