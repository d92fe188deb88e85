import CodexCore
import CodexStore
import CrashSupport
import Foundation

/// Holds one snapshot for a long time while it writes.
///
/// The snapshot must stay as it was. Afterwards, the pages that it kept must be used again, so that
/// the data file stops growing.
///
/// Arguments: the store, for how many seconds, and by how many bytes the data file may grow in that
/// time. It prints
///
///     begun reader                 it holds the snapshot
///     held reader LOOKS COMMITS    it has let the snapshot go; how often it looked and wrote
///     reused reader BEFORE AFTER   the bytes of the data file, and those after as many commits
///     unexpected reader TEXT       something is wrong: the end
///     done reader                  it has closed the store: the end
struct SoakReader {
    private static let itemCount = 500
    private static let itemByteCount = 2000
    private static let batchCount = 50
    /// By so many bytes, and by a tenth, a file may grow whose pages are used again.
    private static let growthAllowance = 16 << 20

    private let path: String
    private let duration: Duration
    private let growthByteCount: Int

    init(_ arguments: [String]) {
        path = arguments[0]
        duration = .seconds(Int(arguments[1]) ?? 1)
        growthByteCount = Int(arguments[2]) ?? 0
    }

    func run() {
        do {
            try work()
            say("done reader")
        } catch {
            Soaking.giveUp("reader", error)
        }
    }

    private func work() throws {
        let events = EventLog()
        var options = StoreOptions.soaking
        options.observer = { events.add($0) }
        let store = try Store(at: path, schema: NumberedItems.schema(), options: options)
        defer { store.close() }
        try NumberedItems.put(0..<Self.itemCount, byteCount: Self.itemByteCount, in: store)
        let commitCount = try hold(store)
        try write(0, store)
        // What the snapshot kept is free from the next checkpoint on.
        guard events.waitForCheckpoint(of: try store.stats().sequence) else {
            throw CrashFinding(description: "no checkpoint follows the end of a snapshot")
        }
        try reuse(store, commitCount)
    }

    /// Replaces some items by their next versions.
    private func write(_ number: Int, _ store: Store) throws {
        let first = number * Self.batchCount % Self.itemCount
        try NumberedItems.put(
            first..<first + Self.batchCount, byteCount: Self.itemByteCount, version: number + 1,
            in: store)
    }

    /// Writes while it holds a snapshot; returns how often.
    private func hold(_ store: Store) throws -> Int {
        let held = try HeldSnapshot(store, count: 1)
        let state = held.look()
        say("begun reader")
        let start = ContinuousClock.now
        let before = try store.stats().fileByteCount
        var (commitCount, lookCount) = (0, 0)
        var nextLook = Duration.zero
        while true {
            let elapsed = ContinuousClock.now - start
            guard elapsed < duration else { break }
            let growth = try store.stats().fileByteCount - before
            if Double(growth) < Double(growthByteCount) * (elapsed / duration) {
                try write(commitCount, store)
                commitCount += 1
            } else {
                usleep(10_000)
            }
            if elapsed >= nextLook {
                try requireEqual(held.look(), state)
                lookCount += 1
                nextLook = elapsed + .milliseconds(500)
            }
        }
        try requireEqual(held.look(), state)
        held.release()
        say("held reader \(lookCount + 1) \(commitCount)")
        return commitCount
    }

    private func requireEqual(_ state: String, _ first: String) throws {
        guard state == first else {
            throw CrashFinding(description: "a held snapshot has \(state), and had \(first)")
        }
    }

    /// Writes as often again, and sees that this takes no new pages.
    private func reuse(_ store: Store, _ commitCount: Int) throws {
        let before = try store.stats().fileByteCount
        for number in 0..<commitCount { try write(number, store) }
        let after = try store.stats().fileByteCount
        guard after <= before + before / 10 + Self.growthAllowance else {
            throw CrashFinding(
                description: "after the end of a snapshot the file grows: \(before) to \(after)")
        }
        guard try store.verify().isSound else {
            throw CrashFinding(description: "the store of the held snapshot is not sound")
        }
        say("reused reader \(before) \(after)")
    }
}
