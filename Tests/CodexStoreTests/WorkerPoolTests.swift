import Dispatch
import Synchronization
import Testing

@testable import CodexStore

/// The threads that stores share, and what is repeated on them.
@Suite("Worker pool")
struct WorkerPoolTests {
    private final class Thing: Sendable {}

    /// Counts passes, and lets somebody wait for them.
    private final class Passes: Sendable {
        let count = Atomic(0)
        let began = DispatchSemaphore(value: 0)
        let mayEnd = DispatchSemaphore(value: 0)
    }

    @Test("A thread keeps nothing of what it ran", .timeLimit(.minutes(30)), arguments: 1...3)
    func released(bodyCount: Int) async {
        // The thread that it runs on goes on with others.
        for _ in 0..<bodyCount {
            var thing: Thing? = Thing()
            weak let kept = thing
            await withCheckedContinuation { continuation in
                WorkerPool.run { [thing] in
                    withExtendedLifetime(thing) {}
                    continuation.resume()
                }
            }
            thing = nil
            while kept != nil { await Task.yield() }
        }
    }

    @Test("Bodies that wait for each other all have threads")
    func waiting() async {
        let gates = (0..<50).map { _ in DispatchSemaphore(value: 0) }
        await withTaskGroup(of: Void.self) { group in
            for place in gates.indices {
                group.addTask {
                    await withCheckedContinuation { continuation in
                        WorkerPool.run {
                            // Each waits for the next; the last lets all go.
                            if place + 1 < gates.count { gates[place + 1].wait() }
                            gates[place].signal()
                            continuation.resume()
                        }
                    }
                }
            }
        }
    }

    @Test("What is asked for during a pass is not lost", .timeLimit(.minutes(30)))
    func askedForDuringPass() {
        let (loop, passes) = (BackgroundLoop(), Passes())
        loop.start {
            let number = passes.count.wrappingAdd(1, ordering: .relaxed).newValue
            passes.began.signal()
            passes.mayEnd.wait()
            return number == 3 ? .never : .whenWoken
        }
        passes.began.wait()
        loop.wake()
        passes.mayEnd.signal()
        passes.began.wait()
        loop.wake(after: .milliseconds(1))
        passes.mayEnd.signal()
        passes.began.wait()
        passes.mayEnd.signal()
        loop.waitUntilEnded()
        #expect(passes.count.load(ordering: .relaxed) == 3)
    }

    @Test("A loop runs again when its time has come", .timeLimit(.minutes(30)))
    func again() {
        let (loop, passes) = (BackgroundLoop(), Passes())
        loop.start(.after(.milliseconds(1))) {
            let number = passes.count.wrappingAdd(1, ordering: .relaxed).newValue
            return number == 5 ? .never : .after(.milliseconds(1))
        }
        loop.waitUntilEnded()
        loop.wake()
        #expect(passes.count.load(ordering: .relaxed) == 5)
    }
}
