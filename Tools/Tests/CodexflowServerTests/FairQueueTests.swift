#if Server
    import Dispatch
    import Synchronization
    import Testing

    @testable import CodexflowServer

    /// Who has the next turn.
    @Suite("Turns of requests")
    struct FairQueueTests {
        /// Takes all turns, in order.
        private func turns(_ queue: inout FairQueue<Int, Int>, _ count: Int = .max) -> [String] {
            var turns: [String] = []
            while turns.count < count, let turn = queue.next() {
                switch turn {
                case .ready(let number): turns.append("ready \(number)")
                case .paused(let number): turns.append("paused \(number)")
                }
            }
            return turns
        }

        @Test("What begins goes before all that paused, however many those are")
        func priority() {
            var queue = FairQueue<Int, Int>()
            for number in 0..<64 { queue.append(paused: number) }
            #expect(turns(&queue, 2) == ["paused 0", "paused 1"])
            queue.append(ready: 7)
            #expect(turns(&queue, 2) == ["ready 7", "paused 2"])
        }

        @Test("Each kind keeps its order, and what paused gets a turn after eight")
        func fairness() {
            var queue = FairQueue<Int, Int>()
            for number in 0..<20 { queue.append(ready: number) }
            for number in 0..<2 { queue.append(paused: number) }
            let all = turns(&queue)
            #expect(all.filter { $0.hasPrefix("ready") } == (0..<20).map { "ready \($0)" })
            let max = FairQueue<Int, Int>.streakMax
            #expect(all.firstIndex(of: "paused 0") == max)
            #expect(all.firstIndex(of: "paused 1") == 2 * max + 1)
            #expect(queue.isEmpty && all.count == 22)
        }

        @Test("Long work goes on in turns, one slice each")
        func roundRobin() {
            var queue = FairQueue<Int, Int>()
            for number in 0..<3 { queue.append(paused: number) }
            var order: [Int] = []
            for _ in 0..<9 {
                guard case .paused(let number)? = queue.next() else { break }
                order.append(number)
                queue.append(paused: number)
            }
            #expect(order == [0, 1, 2, 0, 1, 2, 0, 1, 2])
        }

        @Test("A task that begins waits for one slice of the long ones", .timeLimit(.minutes(30)))
        func pool() async throws {
            let pool = WorkerPool(threadCount: 1)
            defer { pool.stop() }
            let record = SliceRecord()
            let gate = DispatchSemaphore(value: 0)
            await withTaskGroup(of: Void.self) { group in
                // Nothing runs before all of them wait.
                group.addTask(executorPreference: pool) { Self.wait(for: gate) }
                for number in 0..<8 {
                    group.addTask(executorPreference: pool) {
                        for slice in 0..<20 {
                            record.add("\(number) \(slice)")
                            if number == 0, slice == 10 {
                                Task(executorPreference: pool) { record.add("short") }
                            }
                            await pool.pause()
                        }
                    }
                }
                gate.signal()
            }
            let entries = record.entries
            #expect(entries.count == 8 * 20 + 1)
            let start = try #require(entries.firstIndex(of: "0 10"))
            let end = try #require(entries.firstIndex(of: "short"))
            #expect(end - start <= 2)
            // None of the long ones is far ahead of the others.
            for (place, entry) in entries.enumerated() where entry != "short" {
                let slice = entry.split(separator: " ").last.flatMap { Int($0) } ?? 0
                #expect(abs(slice - place / 8) <= 1, "\(entry) at \(place)")
            }
        }

        private static func wait(for gate: DispatchSemaphore) { gate.wait() }
    }

    /// What ran, in order.
    private final class SliceRecord: Sendable {
        private let list = Mutex<[String]>([])

        var entries: [String] { list.withLock { $0 } }

        func add(_ entry: String) { list.withLock { $0.append(entry) } }
    }
#endif
