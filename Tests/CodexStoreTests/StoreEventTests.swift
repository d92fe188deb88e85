import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

/// What an operator is told.
@Suite("Events of a store")
struct StoreEventTests {
    @Test("An operator is told of slow commits, long readers and growth")
    func events() async throws {
        let events = Events()
        var options = StoreOptions()
        options.observer = { events.add($0) }
        options.thresholds = .init(
            slowCommit: .zero, longReader: .zero, growthByteCount: 1 << 20)
        let temporary = try TemporaryStore(schema: SampleTable.schema(), options: options)
        let store = temporary.store
        try store.read { _ in
            for number in 0..<8 {
                // Nothing that is compressed.
                let filler = (0..<300_000).map { _ in UInt8.random(in: .min ... .max) }
                let item: Item = ["partition": .string("\(number)"), "content": .binary(filler)]
                try store.write { _ = try $0.put(item, in: "samples") }
            }
        }
        // Once it is closed, the observer has got all.
        store.close()
        let seen = events.all
        let own = ProcessInfo.processInfo.processIdentifier
        #expect(seen.contains { if case .slowCommit(_, 1) = $0 { true } else { false } })
        #expect(seen.contains { if case .longReader(own, _) = $0 { true } else { false } })
        #expect(seen.contains { if case .growth = $0 { true } else { false } })
    }

    private final class Events: @unchecked Sendable {
        // Guarded by the lock.
        private var events: [StoreEvent] = []
        private let lock = NSLock()

        func add(_ event: StoreEvent) { lock.withLock { events.append(event) } }
        var all: [StoreEvent] { lock.withLock { events } }
    }
}
