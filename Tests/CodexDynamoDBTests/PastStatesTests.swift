import CodexCore
import CodexStore
import CodexTesting
import Testing

@testable import CodexDynamoDBFaults

/// How many past states are held, and for how long.
@Suite("Past states")
struct PastStatesTests {
    private let temporary: TemporaryStore
    private let time = Locked(Duration.zero)
    private let states: PastStates

    init() throws {
        temporary = try TemporaryStore(schema: ShortTables.single)
        let time = time
        states = PastStates(age: .milliseconds(800)) { time.withLock { $0 } }
    }

    private func pass(_ milliseconds: Int) { time.withLock { $0 += .milliseconds(milliseconds) } }

    private func keep() -> Bool { states.keep { try temporary.store.holdSnapshot() } }

    @Test("A write within an eighth of the age holds no further state")
    func interval() {
        #expect(keep())
        pass(99)
        #expect(!keep())
        pass(1)
        #expect(keep())
        #expect(states.count == 2)
    }

    @Test("Writes without a pause hold eight states")
    func bound() {
        for _ in 0..<3000 {
            _ = keep()
            pass(1)
            #expect(states.count <= 8)
        }
        #expect(states.count == 8)
    }

    @Test("A state ends at the age, without a request that needs it")
    func end() {
        #expect(keep())
        pass(799)
        states.removeOld()
        #expect(states.count == 1 && states.state != nil)
        pass(1)
        states.removeOld()
        #expect(states.count == 0 && states.state == nil)
    }

    @Test("A state that cannot be held is none")
    func failure() {
        temporary.store.close()
        #expect(!keep())
        #expect(states.state == nil)
    }
}
