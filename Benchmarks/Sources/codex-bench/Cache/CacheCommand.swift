import ArgumentParser
import Codex
import Foundation

/// What the typed cache saves.
struct CacheRun: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache",
        abstract: "Cached users and projects beside reads of the store; threads; the hit rate.")

    @OptionGroup var scratch: Scratch
    @Option(help: "How many users, and as many projects.")
    var count = 100_000
    @Option(help: "How many entries there is room for.")
    var room = 10_000
    @Option(help: "How many reads in a round.")
    var reads = 2_000_000

    func run() async throws {
        try await scratch.use { directory in
            let store = try Store(at: directory + "/cache", schema: CodexFlow.schema)
            defer { store.close() }
            try await fill(store)
            var policy = CachePolicy.codexFlow
            policy.maximumEntries = room
            let zipfian = Zipfian(count)
            try measure(
                "users", store, policy, zipfian,
                { try CodexFlow.User.ID("u\($0)") }, { .user($0) },
                { UInt64($0.name.utf8.count) })
            try measure(
                "projects", store, policy, zipfian,
                { try CodexFlow.Project.ID("p\($0)") }, { .project($0) },
                { UInt64($0.name.utf8.count) })
            try measureThreads(store, policy, zipfian)
            try await measureRisk(store)
        }
    }

    /// The risk of a project with 10,000 tasks, a tenth of them blocked.
    private func measureRisk(_ store: Store) async throws {
        let start = Date(timeIntervalSince1970: 1_700_000_000)
        try await store.write { transaction in
            for number in 0..<10_000 {
                var task = CodexFlow.Task(
                    id: try .init("t\(number)"), projectID: "p0", title: "Task number \(number)",
                    status: CodexFlow.Task.Status.allCases[number % 6], createdAt: start)
                task.body = String(repeating: "What is to be done, at some length. ", count: 5)
                (task.estimate, task.updatedAt) = (number % 13, start)
                task.dueDate = CalendarDay(start).adding(days: number % 60)
                task.labels = ["api"]
                try transaction.put(task)
                guard number % 10 == 1 else { continue }
                try transaction.put(
                    CodexFlow.Dependency(
                        projectID: "p0", taskID: task.id, blockerID: "t0", isOpen: true,
                        createdAt: start))
            }
        }
        let workspace = CodexFlow.Workspace(store)
        var times: [Double] = []
        for _ in 0..<20 {
            let start = ContinuousClock.now
            let report = try await workspace.riskReport(of: "p0")
            times.append(Double(nanoseconds(ContinuousClock.now - start)) / 1e6)
            guard report.riskScore > 0 else { fatalError("no risk") }
        }
        say("\nrisk of a project with 10,000 tasks")
        row("ms", times, goal: "< 20")
    }

    private func fill(_ store: Store) async throws {
        note("writing \(count) users and projects")
        for first in stride(from: 0, to: count, by: 5000) {
            let range = first..<min(first + 5000, count)
            try await store.write { transaction in
                for number in range {
                    try transaction.put(
                        CodexFlow.User(
                            id: try .init("u\(number)"), email: "u\(number)@example.com",
                            name: "User number \(number)", role: .member, state: .active,
                            createdAt: Date(timeIntervalSince1970: 1_700_000_000)))
                    var project = CodexFlow.Project(
                        id: try .init("p\(number)"), name: "Project number \(number)",
                        ownerID: try .init("u\(number)"))
                    project.summary = "What it is about, in some words that somebody wrote down."
                    project.createdAt = Date(timeIntervalSince1970: 1_700_000_000)
                    try transaction.put(project)
                }
            }
        }
    }

    /// Nanoseconds a read: hits alone, the zipfian load, and the store without a cache.
    private func measure<E: Entity, Model>(
        _ what: String, _ store: Store, _ policy: CachePolicy, _ zipfian: Zipfian,
        _ id: (Int) throws -> Identifier<Model>,
        _ lookup: (Identifier<Model>) -> Lookup<E>, _ size: (E) -> UInt64
    ) throws {
        let cache = try StoreCache(store, policy: policy)
        let ids = try (0..<count).map(id)
        var random = SplitMix64(seed: 1)
        let load = (0..<reads).map { _ in ids[zipfian.next(&random)] }
        let hot = (0..<1000).map { ids[$0] }
        // Read twice, so that they are in the main queue, then what passes through does not push them out.
        for _ in 0..<3 { for id in hot { _ = try cache.get(lookup(id)) } }
        var (hits, uncached, zipf): ([Double], [Double], [Double]) = ([], [], [])
        for _ in 0..<7 {
            var batches: [Double] = []
            for start in stride(from: 0, to: hot.count, by: 20) {
                for _ in 0..<20 {
                    batches.append(
                        try nanoseconds(20) {
                            var sum: UInt64 = 0
                            for place in start..<start + 20 {
                                if let entity = try cache.get(lookup(hot[place])) {
                                    sum &+= size(entity)
                                }
                            }
                            return sum
                        })
                }
            }
            batches.sort()
            hits.append(batches[batches.count / 2])
            uncached.append(
                try nanoseconds(hot.count * 20) {
                    var sum: UInt64 = 0
                    for _ in 0..<20 {
                        for id in hot {
                            if let entity = try store.get(lookup(id)) { sum &+= size(entity) }
                        }
                    }
                    return sum
                })
        }
        let before = cache.statistics
        for _ in 0..<3 {
            zipf.append(
                try nanoseconds(load.count) {
                    var sum: UInt64 = 0
                    for id in load {
                        if let entity = try cache.get(lookup(id)) { sum &+= size(entity) }
                    }
                    return sum
                })
        }
        let after = cache.statistics
        let hitRate =
            Double(after.hitCount - before.hitCount)
            / Double(after.hitCount + after.missCount - before.hitCount - before.missCount)
        say("\n\(what): \(count), zipfian, room for \(policy.maximumEntries)")
        row("a hit, ns (medians of batches of 20)", hits, goal: "<= 200")
        row("a read of the store, ns", uncached)
        row("how much faster a hit is", ratios(uncached, hits), goal: ">= 8")
        row("the zipfian load through the cache, ns", zipf)
        row("hit rate", [hitRate])
    }

    /// Reads a second of one thread and of several.
    private func measureThreads(
        _ store: Store, _ policy: CachePolicy, _ zipfian: Zipfian
    ) throws {
        let cache = try StoreCache(store, policy: policy)
        let count = reads / 4
        say("\nusers, the zipfian load, by threads")
        for (threadCount, isCached) in [
            (1, true), (2, true), (8, true), (1, false), (2, false), (8, false),
        ] {
            var rates: [Double] = []
            for _ in 0..<5 {
                let group = DispatchGroup()
                let start = ContinuousClock.now
                for thread in 0..<threadCount {
                    group.enter()
                    Thread {
                        var random = SplitMix64(seed: UInt64(thread))
                        for _ in 0..<count / threadCount {
                            guard let id = try? CodexFlow.User.ID("u\(zipfian.next(&random))"),
                                (try? isCached ? cache.get(.user(id)) : store.get(.user(id))) != nil
                            else { fatalError("a user is missing") }
                        }
                        group.leave()
                    }.start()
                }
                group.wait()
                rates.append(
                    Double(count) / Double(nanoseconds(ContinuousClock.now - start)) * 1e9)
            }
            row("\(threadCount) threads, \(isCached ? "cached" : "of the store"), reads/s", rates)
        }
    }
}
