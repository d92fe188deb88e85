import CodexCore
import CodexStore
import CodexTesting
import Dispatch
import Foundation
import Synchronization
import TestSupport
import Testing

/// A change that runs before the next step of a build, once.
private final class Intrusion: Sendable {
    private let change = Mutex<(@Sendable () async throws -> Void)?>(nil)
    private let failure = Mutex<String?>(nil)

    var error: String? { failure.withLock { $0 } }
    var isPending: Bool { change.withLock { $0 != nil } }

    func set(_ new: @escaping @Sendable () async throws -> Void) { change.withLock { $0 = new } }

    /// Blocks the thread of the build until the change is done.
    func run() {
        let now = change.withLock { change -> (@Sendable () async throws -> Void)? in
            defer { change = nil }
            return change
        }
        guard let now else { return }
        let done = DispatchSemaphore(value: 0)
        _Concurrency.Task.detached {
            do {
                try await now()
            } catch {
                self.failure.withLock { $0 = "\(error)" }
            }
            done.signal()
        }
        done.wait()
    }
}

/// Times to live that come and go while items are corrected.
extension ExpiryTests {
    /// Does all work of a builder on a thread of its own.
    private func build(_ store: Store) async {
        await withCheckedContinuation { (ended: CheckedContinuation<Void, Never>) in
            Thread.detachNewThread {
                while (try? store.build()) == .more {}
                ended.resume()
            }
        }
    }

    @Test("Items that get a second while others are corrected are corrected too")
    func addedMeanwhile() async throws {
        let intrusion = Intrusion()
        var options = Self.options(clock)
        options.parts.builds = BuildsOnDemand(entryCountMax: 2) { intrusion.run() }
        let temporary = try TemporaryStore(schema: Self.schema, options: options)
        let store = temporary.store
        let items = (0..<8).map { item($0, after: 5) }
        try await store.write { transaction in
            for item in items { try transaction.put(item, in: "samples") }
        }
        clock.advance(by: 5)
        try await store.removeTimeToLive(from: "samples")
        var late = item(9)
        late["other"] = .number(Number(Self.start))
        let added = late
        intrusion.set {
            // The correction has read the items.
            try await store.addTimeToLive("other", to: "samples")
            try await store.put(added, in: "samples")
            try await store.removeTimeToLive(from: "samples")
        }
        await build(store)
        #expect(!intrusion.isPending && intrusion.error == nil, "\(intrusion.error ?? "")")
        #expect(try store.timeToLive(of: "samples").isSettled)
        try await store.addTimeToLive("third", to: "samples")
        await build(store)
        #expect(try store.timeToLive(of: "samples").isSettled)
        for index in Self.indexes { #expect(try found(index, store).count == 9) }
        try expectSound(store)
    }
}
