import Codex
import CodexCore
import CodexTesting
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import CodexStore

/// Durations and times of every extreme, given or stored: none of them traps.
@Suite("Durations and times", .timeLimit(.minutes(30)))
struct DurationTests {
    static let schema = SampleTable.schema(timeToLive: "expires")

    /// Longer than anybody waits; the last has more seconds than 64 bits say.
    static let huge: [Duration] = [
        .seconds(200 * 365 * 86_400), .seconds(Int64.max / 2), .seconds(Int64.max),
        .seconds(Int64.max) * 18,
    ]
    static let tiny: [Duration] = [
        .milliseconds(1), .nanoseconds(1), Duration(secondsComponent: 0, attosecondsComponent: 1),
    ]
    static let negative: [Duration] = [
        .nanoseconds(-1), .seconds(-1), .seconds(Int64.min), .seconds(Int64.min) * 18,
    ]

    /// What a clock may show.
    static let dates: [Date] = [
        .distantPast, .distantFuture, Date(timeIntervalSince1970: 0),
        Date(timeIntervalSince1970: -0.001), Date(timeIntervalSince1970: 253_402_300_800),
        Date(timeIntervalSince1970: 1e300), Date(timeIntervalSince1970: -1e300),
        Date(timeIntervalSince1970: .infinity), Date(timeIntervalSince1970: -.infinity),
        Date(timeIntervalSince1970: .nan),
    ]

    @Test("Conversions of durations saturate")
    func conversions() {
        #expect(Duration.longest.nanoseconds == 3_153_600_000_000_000_000)
        for duration in Self.huge {
            #expect(duration.bounded == .longest && duration.doubled == .longest)
            #expect(duration.nanoseconds == Duration.longest.nanoseconds)
            #expect(duration.milliseconds > Duration.longest.milliseconds)
            #expect(duration.seconds > Duration.longest.seconds)
        }
        for duration in [Duration.zero] + Self.negative {
            #expect(duration.bounded == .zero && duration.doubled == .zero)
            #expect(duration.nanoseconds == 0)
            #expect(duration.milliseconds <= 0 && duration.seconds <= 0)
        }
        for duration in Self.tiny {
            #expect(duration.bounded == duration && duration.nanoseconds >= 1)
        }
        #expect(Duration.milliseconds(1500).milliseconds == 1500)
        #expect(Duration.milliseconds(1500).seconds == 1.5)
        #expect(Duration.milliseconds(1500).nanoseconds == 1_500_000_000)
        var delay = Self.tiny[2]
        for _ in 0..<200 { delay = delay.doubled }
        #expect(delay == .longest)
    }

    @Test("Conversions of dates saturate")
    func dateConversions() {
        let range: ClosedRange<Int64> = -62_167_219_200_000...253_402_300_799_999
        let identifiers = TimeOrderedIdentifiers()
        for date in Self.dates {
            #expect(range.contains(date.millisecondsSince1970))
            #expect(date.bounded.millisecondsSince1970 <= range.upperBound)
            #expect(identifiers.next(date).count == 20)
            #expect((0...9999).contains(SystemCalendar().day(of: date, in: "Europe/Paris").year))
        }
        #expect(Date(timeIntervalSince1970: .nan).millisecondsSince1970 == 0)
        #expect(Date(timeIntervalSince1970: 1.9999).millisecondsSince1970 == 1999)
        #expect(Date(timeIntervalSince1970: -0.5).millisecondsSince1970 == -500)
        for milliseconds in [1 << 48, 1 << 62, UInt64.max] {
            #expect(
                Timestamp.text(Date(milliseconds: milliseconds)) == "9999-12-31T23:59:59.999Z")
        }
        let day = CalendarDay(daysSince1970: 20_000)
        #expect(day.adding(days: .max).year == 9999 && day.adding(days: .min).year == 0)
    }

    @Test("Durations of zero and below are refused where they mean nothing")
    func refused() throws {
        let folder = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for duration in [Duration.zero] + Self.negative {
            let changes: [(inout StoreOptions) -> Void] = [
                { $0.checkpoints.interval = duration },
                { $0.changeRetention.age = duration },
                { $0.durability = .interval(losing: duration) },
            ]
            for change in changes {
                var changed = StoreOptions()
                change(&changed)
                let options = changed
                #expect(throws: CodexError(.invalidArgument, "")) {
                    _ = try Store(at: folder + "/store", schema: Self.schema, options: options)
                }
            }
        }
        #expect(!FileManager.default.fileExists(atPath: folder + "/store"))
    }

    @Test(
        "Other durations below zero mean at once, or never",
        arguments: [Duration.zero] + DurationTests.negative)
    func belowZero(_ duration: Duration) async throws {
        var options = StoreOptions()
        options.sweepInterval = duration
        options.thresholds = .init(slowCommit: duration, longReader: duration)
        options.observer = { _ in }
        let temporary = try TemporaryStore(schema: Self.schema, options: options)
        _ = try await temporary.store.write { try $0.put(["partition": "a"], in: "samples") }
        temporary.store.close()
    }

    @Test(
        "A store works with durations of every length",
        arguments: DurationTests.huge + DurationTests.tiny)
    func lengths(_ duration: Duration) async throws {
        let (checkpoints, checkpoint) = AsyncStream<Void>.makeStream()
        var options = StoreOptions(durability: .interval(losing: duration))
        options.checkpoints.interval = duration
        options.checkpoints.changeCount = 1
        options.changeRetention.age = duration
        options.sweepInterval = duration
        options.clockConfirmation = duration
        // Nobody else is there to wait for.
        options.lockTimeout = max(duration, .seconds(30))
        options.thresholds = .init(slowCommit: duration, longReader: duration)
        options.observer = { if case .checkpoint = $0 { checkpoint.yield() } }
        let temporary = try TemporaryStore(schema: Self.schema, options: options)
        let store = temporary.store
        var events = checkpoints.makeAsyncIterator()
        // After each checkpoint its thread works out how long to wait for the next.
        for number in 0..<5 {
            let second = Int(Date().timeIntervalSince1970) - 1
            _ = try await store.write {
                try $0.put(
                    ["partition": .string("\(number)"), "expires": .number(Number(second))],
                    in: "samples")
            }
            _ = await events.next()
        }
        _ = try await store.write { try $0.put(["partition": "stays"], in: "samples") }
        _ = try await store.removeExpired()
        #expect(try store.item(in: "samples", key: PrimaryKey("stays")) != nil)
        #expect(try store.verify().isSound)
        store.close()
        options.mapByteCount = 1 << 36
        let again = try Store(at: temporary.path, schema: Self.schema, options: options)
        #expect(try again.item(in: "samples", key: PrimaryKey("stays")) != nil)
        again.close()
    }

    @Test("A store works whatever its clock shows")
    func clocks() async throws {
        for date in Self.dates {
            let shown = Mutex(date)
            var options = StoreOptions()
            options.now = { shown.withLock { $0 } }
            options.checkpoints.interval = .milliseconds(1)
            options.sweepInterval = .milliseconds(1)
            let temporary = try TemporaryStore(schema: Self.schema, options: options)
            let store = temporary.store
            try await store.addConsumer("c", after: .trimHorizon)
            let put = WriteAction.put(
                table: "samples", ["partition": "a", "expires": .number(1_762_300_800)])
            #expect(try await store.perform([put], idempotencyToken: "once"))
            #expect(try await !store.perform([put], idempotencyToken: "once"))
            let change = try #require(try store.retainedChanges(after: .trimHorizon).first)
            let milliseconds = UInt64(max(0, date.millisecondsSince1970))
            #expect(change.time == Date(milliseconds: milliseconds))
            // From one extreme to each other one.
            for (number, other) in Self.dates.enumerated() {
                shown.withLock { $0 = other }
                _ = try await store.perform(
                    [
                        .put(
                            table: "samples",
                            ["partition": .string("\(number)"), "expires": .number(4_000_000_000)])
                    ],
                    idempotencyToken: "\(number)")
                #expect(try store.consumers().allSatisfy { $0.lag >= .zero })
                _ = try await store.removeExpired()
                _ = try store.stats()
            }
            #expect(try store.verify().isSound)
        }
    }

    @Test("Stored times of every size are read")
    func storedTimes() async throws {
        struct Refusal: Error {}
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        try await store.addConsumer("c", after: .trimHorizon)
        _ = try await store.write { try $0.put(["partition": "a"], in: "samples") }
        let change = try #require(try store.retainedChanges(after: .trimHorizon).first)
        try await store.write { transaction in
            let context = transaction.context
            var state = try ConsumerReads(context).consumer("c")
            state.milliseconds = (1 << 62) - 1
            try context.setConsumer(try Consumer.key("c"), state)
            let (entry, log) = (change.entry, change.commit.bytes)
            var parked: [UInt8] = []
            // Attempts, and when it was committed.
            Wire.append(UInt64.max, to: &parked)
            Wire.append(UInt64.max, to: &parked)
            Wire.append("error", to: &parked)
            LogBody.appendItem(
                table: entry.table, key: Array(log[entry.key]), old: nil,
                new: entry.new.map { Array(log[$0]) }, isExpiry: false, isSilent: false,
                to: &parked)
            try context.setSystem(
                .consumers, DeadLetter.key("c", change.sequenceNumber), parked)
            let token = [0] + Array("token".utf8)
            let instant = BigEndian.bytes(UInt64(1 << 62) - 1)
            try context.setSystem(.tokens, token, instant + [UInt8](repeating: 0, count: 16))
        }
        #expect(try store.consumers().map(\.lag) == [.zero])
        let parked = try #require(try store.deadLetters(of: "c").first)
        #expect(parked.attemptCount == .max)
        #expect(Timestamp.text(parked.change.time) == "9999-12-31T23:59:59.999Z")
        let failed = try await store.retryDeadLetters(of: "c") { _, _ in throw Refusal() }
        #expect(failed == (0, 1))
        let retried = try await store.retryDeadLetters(of: "c") { _, _ in }
        #expect(retried == (1, 0))
        await #expect(throws: CodexError(.idempotencyMismatch, "")) {
            try await store.perform(
                [.put(table: "samples", ["partition": "b"])], idempotencyToken: "token")
        }
    }

    @Test("A consumer's delay of any length is waited for, and doubled")
    func delays() async throws {
        struct Refusal: Error {}
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        try await store.addConsumer("c", after: .trimHorizon)
        _ = try await store.write { try $0.put(["partition": "a"], in: "samples") }
        for delay in Self.huge {
            let (attempts, attempt) = AsyncStream<Void>.makeStream()
            let task = _Concurrency.Task {
                try await store.consume(
                    "c", onFailure: ConsumerFailurePolicy(attemptCount: 2, delay: delay)
                ) { _, _ in
                    attempt.yield()
                    throw Refusal()
                }
            }
            var seen = attempts.makeAsyncIterator()
            // With its batch, and alone; the second attempt is some time away.
            _ = await seen.next()
            _ = await seen.next()
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
        for delay in [Duration.zero] + Self.negative {
            let policy = ConsumerFailurePolicy(attemptCount: 150, delay: delay)
            await #expect(throws: Refusal.self) {
                try await store.consume("c", onFailure: policy) { _, _ in throw Refusal() }
            }
        }
    }

    @Test("A session of a length that makes no sense is refused")
    func sessions() async throws {
        let temporary = try TemporaryStore()
        let workspace = CodexFlow.Workspace(temporary.store)
        try await workspace.createUser(email: "a@example.com", name: "Ada", id: "a")
        for lifetime in Self.huge + Self.negative {
            await #expect(throws: CodexError(.ruleViolated, "")) {
                _ = try await workspace.openSession(for: "a", lifetime: lifetime)
            }
        }
    }

    @Test("A workspace works whatever its clock shows")
    func workspaceClocks() async throws {
        for date in Self.dates {
            let temporary = try TemporaryStore()
            let shown = Mutex(Date(timeIntervalSince1970: 1_762_300_800))
            let workspace = CodexFlow.Workspace(
                temporary.store, clock: { shown.withLock { $0 } })
            try await workspace.createUser(email: "a@example.com", name: "Ada", id: "a")
            try await workspace.createProject(key: "ENG", name: "Engine", id: "p", owner: "a")
            try await workspace.createTask(in: "p", by: "a", id: "t") { $0.title = "Task" }
            for status in [CodexFlow.Task.Status.todo, .inProgress] {
                try await workspace.moveTask("t", in: "p", to: status, by: "a")
            }
            shown.withLock { $0 = date }
            try await workspace.moveTask("t", in: "p", to: .done, by: "a")
            let task = try temporary.store.get(.task("t", in: "p"))
            #expect(task?.status == .done)
        }
    }
}
