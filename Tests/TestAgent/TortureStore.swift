import CodexCore
import CodexStore
import CrashSupport
import Foundation
import Synchronization

/// A store that a worker has open, and what the worker has in it.
@MainActor
final class TortureStore {
    let store: Store
    /// What tells this store from others that may be at its path.
    let identity: String
    /// The writer's last group.
    var last: Int64

    init(at path: String, _ writer: Int, _ options: StoreOptions) throws {
        let store = try Store(at: path, options: options)
        self.store = store
        let item = try store.item(in: "t", key: CrashWorkload.identityKey)
        identity = item?["id"]?.string ?? "none"
        last = try store.read { snapshot in try CrashWorkload.lastGroup(writer, snapshot) }
    }
}

/// Many snapshots at once, nested and by several threads, each of which must have whole groups.
enum ReaderStorm {
    private final class Failure: Sendable {
        let error = Mutex<(any Error)?>(nil)
    }

    static func run(_ store: Store, _ writer: Int) throws {
        let failure = Failure()
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            do {
                try nest(store, 20, writer)
            } catch {
                failure.error.withLock { $0 = error }
            }
        }
        if let error = failure.error.withLock({ $0 }) { throw error }
    }

    private static func nest(_ store: Store, _ depth: Int, _ writer: Int) throws {
        try store.read { snapshot in
            try CrashWorkload.lastGroup(writer, snapshot)
            if depth > 0 { try nest(store, depth - 1, writer) }
        }
    }
}

/// The store's wall clock, which somebody sets wrong again and again.
final class TortureClock: Sendable {
    private let wrongBy = Atomic(0)

    var now: Date { Date(timeIntervalSinceNow: Double(wrongBy.load(ordering: .relaxed))) }

    func jump(_ dice: inout Dice) {
        let steps = [0, 0, -86_400, -600, 700, 90_000, 40_000_000]
        wrongBy.store(steps[dice.below(steps.count)], ordering: .relaxed)
    }
}

/// Becomes true with the first line of the input, or its end.
final class OrderToEnd: Sendable {
    private let wasGiven = Atomic(false)

    var isGiven: Bool { wasGiven.load(ordering: .acquiring) }

    init() {
        Thread.detachNewThread { [self] in
            _ = readLine()
            wasGiven.store(true, ordering: .releasing)
        }
    }
}

/// The backups and archives that a worker makes.
@MainActor
final class TortureCopies {
    private let directory: String
    private let seed: UInt64
    private var number = 0
    private var last: String?

    init(directory: String, seed: UInt64) {
        self.directory = directory
        self.seed = seed
    }

    /// Makes a backup in place of the one before.
    func backUp(_ opened: TortureStore) async throws {
        number += 1
        let path = "\(directory)/backup-\(opened.identity)-\(seed)-\(number)"
        if let last { discard(last) }
        last = nil
        try await opened.store.backup(to: path)
        last = path
    }

    /// Removes a backup; by another name, since one that is half gone would be taken for damaged.
    private func discard(_ path: String) {
        let waste = "\(directory)/waste-\(seed)-\(number)"
        try? FileManager.default.moveItem(atPath: path, toPath: waste)
        try? FileManager.default.removeItem(atPath: waste)
    }

    func archive(_ opened: TortureStore) async throws {
        try await opened.store.archiveLog(to: "\(directory)/archive-\(opened.identity)")
    }
}
