import CodexCore
import CodexTesting
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import CodexStore

/// What deletes by time waits until the wall clock and the monotonic clock agree.
@Suite("Deletion by time", .timeLimit(.minutes(30)))
struct DeletionClockTests {
    static let schema = SampleTable.schema(timeToLive: "expires")
    static let day = 86_400.0
    /// Longer than changes are kept.
    static let tooLong = 25 * 3600.0

    let clock = ManualClock()

    /// Short segments; checkpoints and sweeps only where a test makes them.
    static func options() -> StoreOptions {
        var options = StoreOptions()
        options.sweepInterval = nil
        options.checkpoints.interval = .seconds(3600)
        options.logSegmentByteCountMax = 256 << 10
        options.mapByteCount = 1 << 36
        return options
    }

    private func options() -> StoreOptions {
        var options = Self.options()
        options.use(clock)
        return options
    }

    private func makeStore() throws -> TemporaryStore {
        try TemporaryStore(schema: Self.schema, options: options())
    }

    // MARK: What a store does

    /// Puts an item that expires so many seconds after the clock's start.
    static func put(_ name: String, _ store: Store, after seconds: Int? = nil) async throws {
        var item: Item = ["partition": .string(name)]
        item["expires"] = seconds.map { .number(Number(ExpiryTests.start + $0)) }
        let stored = item
        _ = try await store.write { try $0.put(stored, in: "samples") }
    }

    /// Writes several segments of the log.
    static func fill(_ store: Store) async throws {
        for number in 0..<20 {
            let item: Item = ["partition": .string("fill \(number)"), "content": ExpiryTests.large]
            _ = try await store.write { try $0.put(item, in: "samples") }
        }
        #expect(try store.core.logDirectory.numbers().count > 2)
    }

    /// Whether the beginning of the log is still there after another checkpoint.
    static func keepsHistory(_ store: Store) async throws -> Bool {
        try await put("before a checkpoint", store)
        try store.parts?.checkpointer.checkpointNow()
        return try store.core.logDirectory.numbers().first == 1
    }

    /// Counts with a token; `false` if the token was seen.
    static func count(_ store: Store, _ token: String = "once") async throws -> Bool {
        try await store.perform(
            [
                .update(
                    table: "samples", key: PrimaryKey("counted"),
                    Update().adding(1, to: Attribute<Int>("count")))
            ], idempotencyToken: token)
    }

    static func isThere(_ name: String, _ store: Store) throws -> Bool {
        try store.item(in: "samples", key: PrimaryKey(.string(name))) != nil
    }

    // MARK: Jumps

    @Test("History outlives a clock that is a day wrong for a moment, and goes once that is sure")
    func history() async throws {
        let temporary = try makeStore()
        let store = temporary.store
        try await Self.fill(store)
        for seconds in [Self.tooLong, -Self.tooLong, Self.tooLong] {
            clock.jump(by: seconds)
            #expect(try await Self.keepsHistory(store))
        }
        #expect(try store.stats().trimmedSequence == 0)
        clock.advance(by: 299)
        #expect(try await Self.keepsHistory(store))
        clock.advance(by: 1)
        #expect(try await !Self.keepsHistory(store))
    }

    @Test("A token is remembered for ten minutes that passed, whatever the clock is set to")
    func tokens() async throws {
        let temporary = try makeStore()
        let store = temporary.store
        #expect(try await Self.count(store))
        clock.jump(by: 601)
        #expect(try await !Self.count(store))
        clock.advance(by: 599)
        #expect(try await !Self.count(store))
        clock.advance(by: 1)
        #expect(try await Self.count(store))
        // By a clock that is behind, and that is then set right.
        clock.jump(by: -Self.day)
        #expect(try await !Self.count(store))
        #expect(try await Self.count(store, "behind"))
        clock.jump(by: Self.day)
        #expect(try await !Self.count(store, "behind"))
        clock.advance(by: 600)
        #expect(try await !Self.count(store, "behind"))
        let counted = try store.item(in: "samples", key: PrimaryKey("counted"))
        #expect(counted?["count"] == 3)
    }

    @Test("Items that a wrong clock hides are there again, and go by the time that passes")
    func items() async throws {
        let temporary = try makeStore()
        let store = temporary.store
        try await Self.put("minute", store, after: 60)
        try await Self.put("hour", store, after: 3600)
        for _ in 0..<2 {
            clock.jump(by: Self.day)
            #expect(try !Self.isThere("hour", store))
            #expect(try await store.removeExpired() == 0)
            clock.jump(by: -Self.day)
            #expect(try Self.isThere("hour", store))
            #expect(try await store.removeExpired() == 0)
        }
        clock.jump(by: Self.day)
        #expect(try await store.removeExpired() == 0)
        clock.advance(by: 60)
        #expect(try await store.removeExpired() == 1)
        clock.advance(by: 239)
        #expect(try await store.removeExpired() == 0)
        clock.advance(by: 1)
        #expect(try await store.removeExpired() == 1)
        #expect(try store.verify().isSound)
    }

    @Test("A clock of the host's own is not believed before real time has passed")
    func wallClockAlone() async throws {
        let shown = Mutex(clock.now)
        var options = Self.options()
        options.now = { shown.withLock { $0 } }
        let temporary = try TemporaryStore(schema: Self.schema, options: options)
        let store = temporary.store
        try await Self.fill(store)
        try await Self.put("hour", store, after: 3600)
        #expect(try await Self.count(store))
        shown.withLock { $0 += Self.tooLong }
        #expect(try await Self.keepsHistory(store))
        #expect(try await !Self.count(store))
        #expect(try await store.removeExpired() == 0)
        shown.withLock { $0 -= Self.tooLong }
        #expect(try Self.isThere("hour", store))
        #expect(try await Self.keepsHistory(store))
        #expect(try await !Self.count(store))
    }

    @Test("History that was written by a clock that is behind is not older for it")
    func behind() async throws {
        let temporary = try makeStore()
        let store = temporary.store
        clock.jump(by: -2 * Self.day)
        try await Self.fill(store)
        clock.jump(by: 2 * Self.day)
        #expect(try await Self.keepsHistory(store))
        clock.advance(by: 700)
        #expect(try await Self.keepsHistory(store))
        clock.advance(by: Self.tooLong)
        #expect(try await !Self.keepsHistory(store))
    }

    @Test("Without a confirmation the clock is believed at once; one below zero is refused")
    func unconfirmed() async throws {
        var options = options()
        options.clockConfirmation = .zero
        let temporary = try TemporaryStore(schema: Self.schema, options: options)
        let store = temporary.store
        try await Self.fill(store)
        try await Self.put("hour", store, after: 3600)
        #expect(try await Self.count(store))
        clock.jump(by: Self.tooLong)
        #expect(try await store.removeExpired() == 1)
        #expect(try await Self.count(store))
        #expect(try await !Self.keepsHistory(store))
        options.clockConfirmation = .seconds(-1)
        let refused = options
        #expect(throws: CodexError(.invalidArgument, "")) {
            _ = try Store(at: temporary.path + "2", schema: Self.schema, options: refused)
        }
    }

    @Test("Jumps are told, and so is a clock that is behind the log")
    func events() async throws {
        let (jumps, jump) = AsyncStream<Duration>.makeStream()
        var options = options()
        options.observer = { if case .clockJumped(let difference) = $0 { jump.yield(difference) } }
        let temporary = try TemporaryStore(schema: Self.schema, options: options)
        let store = temporary.store
        var seen = jumps.makeAsyncIterator()
        try await Self.put("a", store)
        clock.advance(by: 100)
        // Within what is no jump.
        clock.jump(by: 1.5)
        _ = try await store.removeExpired()
        clock.jump(by: Self.day)
        _ = try await store.removeExpired()
        #expect(await seen.next() == .milliseconds(86_401_500))
        clock.jump(by: -Self.day)
        _ = try await store.removeExpired()
        #expect(await seen.next() == .seconds(-86_400))
        store.close()
        clock.jump(by: -Self.day)
        let again = try Store(at: temporary.path, options: options)
        #expect(await seen.next() == .milliseconds(-86_298_500))
        again.close()
    }

    // MARK: After a restart

    @Test("The newest time in the log bounds the clock of a store that is opened")
    func restart() async throws {
        let temporary = try makeStore()
        try await Self.fill(temporary.store)
        try await Self.put("hour", temporary.store, after: 3600)
        #expect(try await Self.count(temporary.store))
        temporary.store.close()
        clock.jump(by: Self.tooLong)
        let store = try Store(at: temporary.path, options: options())
        defer { store.close() }
        #expect(try !Self.isThere("hour", store))
        #expect(try await store.removeExpired() == 0)
        #expect(try await Self.keepsHistory(store))
        #expect(try await !Self.count(store))
        clock.advance(by: 300)
        #expect(try await store.removeExpired() == 1)
        #expect(try await !Self.keepsHistory(store))
        #expect(try await !Self.count(store))
        clock.advance(by: 300)
        #expect(try await Self.count(store))
    }

    @Test("What was written by a wrong clock does not confirm it for the next process")
    func wrongLog() async throws {
        let temporary = try makeStore()
        try await Self.fill(temporary.store)
        try await Self.put("hour", temporary.store, after: 3600)
        clock.jump(by: Self.tooLong)
        try await Self.put("late", temporary.store)
        temporary.store.close()
        for _ in 0..<3 {
            clock.advance(by: 30)
            let store = try Store(at: temporary.path, options: options())
            defer { store.close() }
            #expect(try await store.removeExpired() == 0)
            #expect(try await Self.keepsHistory(store))
        }
        let store = try Store(at: temporary.path, options: options())
        defer { store.close() }
        #expect(try await store.removeExpired() == 0)
        clock.advance(by: 300)
        #expect(try await store.removeExpired() == 1)
    }

    @Test("A store that is restored under a wrong clock keeps its items until that is confirmed")
    func restored() async throws {
        let temporary = try makeStore()
        try await Self.put("hour", temporary.store, after: 3600)
        // In 1970, which is too long ago to count: also for a store that is not sure of any time.
        try await Self.put("never", temporary.store, after: -ExpiryTests.start)
        let folder = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await temporary.store.backup(to: folder + "/backup")
        try await Store.restore(folder + "/backup", at: folder + "/restored")
        clock.jump(by: Self.day)
        let store = try Store(at: folder + "/restored", options: options())
        defer { store.close() }
        #expect(try await store.removeExpired() == 0)
        clock.advance(by: 300)
        #expect(try await store.removeExpired() == 1)
        #expect(try Self.isThere("never", store))
    }

    @Test("The times of a log are those of its records, the last first")
    func log() async throws {
        let temporary = try makeStore()
        let start = UInt64(ExpiryTests.start) * 1000
        for number in 0..<3 {
            if number > 0 { clock.advance(by: 10) }
            try await Self.put("\(number)", temporary.store)
        }
        temporary.store.close()
        let directory = try Directory(temporary.path)
        let run = try LogTimes(of: directory, confirmation: 600_000)
        #expect(run.newest == start + 20_000 && run.confirmed == run.newest)
        // Ten seconds are a step for who believes a clock after nine.
        let steps = try LogTimes(of: directory, confirmation: 9000)
        #expect(steps.newest == run.newest && steps.confirmed == start + 10_000)
    }

    // MARK: The rules

    @Test(
        "A run of times confirms its end, a shorter one after a step does not",
        arguments: [
            ([1000, 900, 500, 300], true, 1000), ([1000, 900, 500, 300], false, 1000),
            ([1000, 990], true, 1000), ([1000, 990], false, 0), ([1000], false, 0),
            // A day ahead, for a short time and for a longer one.
            ([90_010, 90_000, 100, 90], true, 100), ([90_700, 90_400, 90_000, 100], true, 90_700),
            // Set right again; and then set to something that is wrong, too.
            ([150, 90_010, 90_000, 100], false, 100), ([80_000, 90_000, 100], false, 100),
            ([150, 90_010, 90_000], true, 150), ([.max, 0], true, 0),
        ] as [([UInt64], Bool, UInt64)])
    func evidence(newestFirst: [UInt64], isWholeLog: Bool, confirmed: UInt64) {
        let times = LogTimes(
            newestFirst: newestFirst, isWholeLog: isWholeLog, confirmation: 600)
        #expect(times.confirmed == confirmed && times.newest == newestFirst.first)
        #expect(LogTimes(newestFirst: [], isWholeLog: true, confirmation: 600) == .unknown)
    }

    /// A line that begins at a moment that is sure.
    private func line(_ reading: ClockReading) -> ClockLine {
        let times = LogTimes(
            newestFirst: [UInt64(reading.wall)], isWholeLog: true, confirmation: 0)
        return ClockLine(reading, times, confirmation: 300_000)
    }

    @Test("Small steps of a clock do not add up, and a clock that drifts is followed")
    func steps() {
        var reading = ClockReading(wall: 1_000_000_000, elapsed: .zero)
        var fast = line(reading)
        var jumpCount = 0
        for _ in 0..<1000 {
            (reading.wall, reading.elapsed) = (reading.wall + 3000, reading.elapsed + 1000)
            if fast.take(reading) != nil { jumpCount += 1 }
        }
        #expect(jumpCount > 0 && fast.confirmed(at: reading) == 1_001_000_000)
        var drifting = line(reading)
        for _ in 0..<1000 {
            (reading.wall, reading.elapsed) = (reading.wall + 10_004, reading.elapsed + 10_000)
            #expect(drifting.take(reading) == nil)
        }
        #expect(reading.wall - Int(drifting.confirmed(at: reading)) < 200)
        // Nobody looked for a month: what is more than a minute is a jump all the same.
        (reading.wall, reading.elapsed) = (
            reading.wall + 2_592_061_000, reading.elapsed + 2_592_000_000
        )
        #expect(drifting.take(reading) != nil)
        #expect(Int(drifting.confirmed(at: reading)) <= reading.wall - 61_000)
    }

    @Test("Of extremes nothing overflows, and no time is ahead of the wall clock")
    func extremes() {
        let walls: [UInt64] = [0, 1, 253_402_300_799_999, .max]
        let durations: [Duration] = [.zero, .seconds(1), .longest, .seconds(Int64.max) * 18]
        var line = line(ClockReading(wall: 0, elapsed: .zero))
        for wall in walls + walls.reversed() {
            for elapsed in durations + durations.reversed() {
                let reading = ClockReading(wall: wall, elapsed: elapsed)
                _ = line.take(reading)
                #expect(line.confirmed(at: reading) <= UInt64(reading.wall))
                #expect(line.latest(at: reading) >= UInt64(reading.wall))
            }
        }
    }

    @Test("A manual clock that is set lets no time pass")
    func manualClock() {
        let start = clock.now
        clock.advance(by: 1.5)
        #expect(clock.now == start + 1.5 && clock.elapsed == .milliseconds(1500))
        clock.jump(by: Self.day)
        clock.jump(by: -1)
        clock.advance(by: -1)
        #expect(clock.now == start + Self.day - 0.5 && clock.elapsed == .milliseconds(1500))
    }
}
