#if Remote
    import CodexCore
    import Foundation
    import Synchronization
    import Testing

    @testable import CodexRemote

    /// How many requests are at work at once, and how others wait.
    @Suite("Requests at once")
    struct RequestLimitTests {
        /// A clock whose sleeps end when a test says so.
        private final class StoppedClock: RemoteClock {
            private let gate = Mutex<[CheckedContinuation<Void, any Error>]>([])

            var now: Date { Date(timeIntervalSince1970: 0) }
            var elapsed: Duration { .zero }
            var sleeperCount: Int { gate.withLock { $0.count } }

            func sleep(for duration: Duration) async throws {
                try Task.checkCancellation()
                try await withCheckedThrowingContinuation { continuation in
                    gate.withLock { $0.append(continuation) }
                }
            }

            func wake() {
                let sleepers = gate.withLock { sleepers in
                    defer { sleepers = [] }
                    return sleepers
                }
                for sleeper in sleepers { sleeper.resume() }
            }
        }

        private let clock = StoppedClock()

        /// How many are at work, and the most at one time.
        private final class Work: Sendable {
            private let state = Mutex((now: 0, most: 0))

            var most: Int { state.withLock { $0.most } }

            func begin() {
                state.withLock { state in
                    state.now += 1
                    state.most = max(state.most, state.now)
                }
            }

            func end() { state.withLock { $0.now -= 1 } }
        }

        private func acquiring(_ limit: RequestLimit) -> Task<CodexError.Code?, Never> {
            Task { [clock] in
                do {
                    try await limit.acquire(within: .seconds(1), clock)
                    return nil
                } catch {
                    return (error as? CodexError)?.code ?? .cancelled
                }
            }
        }

        private func waiting(_ limit: RequestLimit, _ count: Int) async {
            while limit.waitingCount != count { await Task.yield() }
        }

        @Test("No more are at work than the limit, and all get their turn")
        func count() async {
            let limit = RequestLimit(4, waitingCountMax: 1000)
            let work = Work()
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<200 {
                    group.addTask { [clock] in
                        try? await limit.acquire(within: .seconds(1), clock)
                        work.begin()
                        await Task.yield()
                        work.end()
                        limit.release()
                    }
                }
            }
            #expect(work.most == 4)
            clock.wake()
        }

        @Test("Those that wait are served in their order, and a cancelled one not at all")
        func order() async throws {
            let limit = RequestLimit(1, waitingCountMax: 10)
            try await limit.acquire(within: .seconds(1), clock)
            let first = acquiring(limit)
            await waiting(limit, 1)
            let second = acquiring(limit)
            await waiting(limit, 2)
            first.cancel()
            #expect(await first.value == .cancelled)
            limit.release()
            #expect(await second.value == nil)
            limit.release()
            try await limit.acquire(within: .seconds(1), clock)
            clock.wake()
        }

        @Test("One that waits too long ends, and the place is still free for others")
        func time() async throws {
            let limit = RequestLimit(1, waitingCountMax: 10)
            try await limit.acquire(within: .seconds(1), clock)
            let late = acquiring(limit)
            await waiting(limit, 1)
            while clock.sleeperCount < 1 { await Task.yield() }
            clock.wake()
            #expect(await late.value == .timedOut)
            limit.release()
            try await limit.acquire(within: .seconds(1), clock)
        }

        @Test("One that may wait for any time starts no clock, and ends if it is cancelled")
        func anyTime() async throws {
            let limit = RequestLimit(1, waitingCountMax: 10)
            try await limit.acquire(within: nil, clock)
            let first = Task { [clock] in try await limit.acquire(within: nil, clock) }
            await waiting(limit, 1)
            let second = Task { [clock] in try await limit.acquire(within: nil, clock) }
            await waiting(limit, 2)
            second.cancel()
            let cancelled = await second.result
            #expect(throws: CancellationError.self) { try cancelled.get() }
            limit.release()
            try await first.value
            #expect(clock.sleeperCount == 0)
        }

        /// A caller that takes a part, and tells when it has it.
        private func taking(_ count: Int, of limit: RequestLimit) -> Task<Void, any Error> {
            Task { [clock] in try await limit.acquire(count, within: nil, clock) }
        }

        @Test("Parts of a limit are taken in their order, also if a later one has room")
        func parts() async throws {
            let limit = RequestLimit(10, waitingCountMax: 10)
            try await limit.acquire(6, within: nil, clock)
            let large = taking(8, of: limit)
            await waiting(limit, 1)
            let small = taking(2, of: limit)
            await waiting(limit, 2)
            limit.release(6)
            try await large.value
            try await small.value
            limit.release(8)
            limit.release(2)
            try await limit.acquire(10, within: nil, clock)
        }

        @Test("If a large part is cancelled, the smaller ones behind it have room")
        func cancelledPart() async throws {
            let limit = RequestLimit(10, waitingCountMax: 10)
            try await limit.acquire(6, within: nil, clock)
            let large = taking(8, of: limit)
            await waiting(limit, 1)
            let small = taking(4, of: limit)
            await waiting(limit, 2)
            large.cancel()
            try await small.value
            #expect(limit.waitingCount == 0)
        }

        @Test("What is more than all is alone, and gives back as much", arguments: [9, 10, 11])
        func whole(count: Int) async throws {
            let limit = RequestLimit(10, waitingCountMax: 10)
            try await limit.acquire(count, within: nil, clock)
            let other = taking(2, of: limit)
            await waiting(limit, 1)
            limit.release(count)
            try await other.value
            let rest = taking(8, of: limit)
            try await rest.value
            #expect(limit.waitingCount == 0)
        }

        @Test("More than the most that wait are refused", arguments: [0, 1, 2])
        func waiters(count: Int) async throws {
            let limit = RequestLimit(1, waitingCountMax: count)
            try await limit.acquire(within: .seconds(1), clock)
            var tasks: [Task<CodexError.Code?, Never>] = []
            for number in 0..<count {
                tasks.append(acquiring(limit))
                await waiting(limit, number + 1)
            }
            #expect(await acquiring(limit).value == .limitReached)
            for task in tasks {
                limit.release()
                #expect(await task.value == nil)
            }
            clock.wake()
        }
    }
#endif
