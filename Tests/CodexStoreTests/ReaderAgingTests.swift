import CodexCore
import CodexTesting
import Testing

@testable import CodexStore

/// Reader slots that a burst of snapshots took are given back.
@Suite("Reader aging")
struct ReaderAgingTests {
    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    init() throws { temporary = try TemporaryStore(schema: Schema(tables: [])) }

    /// Holds so many snapshots at once.
    private func hold(_ count: Int) throws {
        if count > 0 { try store.read { _ in try hold(count - 1) } }
    }

    private var idleCount: Int { store.core.state.withLock { $0.readers.idle.count } }

    @Test("What was not needed since the last look is given back, but for a few")
    func unneeded() throws {
        try hold(20)
        #expect(idleCount == 20)
        _ = store.core.ageReaders()
        #expect(store.core.ageReaders() == .whenWoken)
        #expect(idleCount == StoreCore.ReaderAging.keptCount)
        try hold(20)
        #expect(idleCount == 20)
    }

    @Test("What was needed since the last look is kept")
    func needed() throws {
        try hold(20)
        _ = store.core.ageReaders()
        try hold(12)
        #expect(store.core.ageReaders() == .after(StoreCore.ReaderAging.interval))
        #expect(idleCount == 12)
    }

    @Test("A store that is closed has nothing to give back")
    func closed() throws {
        try hold(20)
        store.close()
        #expect(store.core.ageReaders() == .never)
    }
}
