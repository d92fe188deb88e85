import CodexCore
import CodexTesting
import CrashSupport
import Dispatch
import FaultyCalls
import Foundation
import PlantedFaults
import Synchronization
import TestSupport
import Testing

@testable import CodexStore

// Calls fail for the whole process, so only one suite at a time may let them fail.
extension FaultTests {
    /// Failures of writes and flushes, and the flushes that follow them.
    @Suite("Flushes after a failure")
    struct FlushFaultTests {
        /// Runs a body after each call of one kind.
        private final class AfterCall: StoreCalls {
            private let watched: StoreCall
            private let body: @Sendable () -> Void

            init(_ watched: StoreCall, _ body: @escaping @Sendable () -> Void) {
                self.watched = watched
                self.body = body
            }

            func perform(
                _ call: StoreCall, _ make: () throws(CodexError) -> Void
            ) throws(CodexError) {
                try make()
                if call == watched { body() }
            }
        }

        /// A file that is away from its place for a time.
        private final class MovedFile: Sendable {
            private let path = Mutex<String?>(nil)

            func begin(with file: String) { path.withLock { $0 = file } }

            func moveAway() { move(from: "", to: ".away") }
            func moveBack() { move(from: ".away", to: "") }

            private func move(from old: String, to new: String) {
                guard let file = path.withLock({ $0 }) else { return }
                try? FileManager.default.moveItem(atPath: file + old, toPath: file + new)
            }
        }

        private func write(_ store: Store, _ number: Int) -> CodexError.Code? {
            do {
                try store.write { _ = try $0.put(FaultTests.item(number), in: "f") }
                return nil
            } catch {
                return (error as? CodexError)?.code
            }
        }

        /// A store and, once it is asked for, what another process writes whose flush failed.
        private final class OtherProcess: Sendable {
            private let path = Mutex<String?>(nil)

            func fails(at store: String) { path.withLock { $0 = store } }

            func mark() {
                guard let store = path.withLock({ $0 }),
                    let lease = FileHandle(forUpdatingAtPath: store + "/lease.lock")
                else { return }
                lease.write(Data([1]))
                try? lease.close()
            }
        }

        @Test("After an append that failed, the log is still flushed in the background")
        func failedAppend() throws {
            defer { faulty_arm(0, 0, 0, 0, "") }
            let flushed = DispatchSemaphore(value: 0)
            var options = StoreOptions(durability: .interval(losing: .milliseconds(200)))
            options.checkpoints.interval = .seconds(600)
            options.parts.calls = AfterCall(.flushLog) { flushed.signal() }
            let temporary = try TemporaryStore(schema: FaultTests.schema, options: options)
            let directory = URL(fileURLWithPath: temporary.path).deletingLastPathComponent()
                .lastPathComponent
            #expect(write(temporary.store, 0) == nil)
            faulty_arm(
                Int32(FAULTY_PWRITE), 1, EIO, 0, directory + "/store/log/0000000000000001.segment")
            #expect(write(temporary.store, 1) == .outcomeUnknown)
            // The first commit was acknowledged, and its log can be flushed.
            #expect(flushed.wait(timeout: .now() + .seconds(Hang.seconds)) == .success)
        }

        @Test("An archive has no commits of a log whose flush failed in another process")
        func archive() async throws {
            let other = OtherProcess()
            var options = StoreOptions()
            options.parts.calls = AfterCall(.flushLog) { other.mark() }
            let temporary = try TemporaryStore(schema: FaultTests.schema, options: options)
            #expect(write(temporary.store, 0) == nil)
            other.fails(at: temporary.path)
            let target = try TemporaryStore.makeDirectory()
            defer { try? FileManager.default.removeItem(atPath: target) }
            await #expect(throws: CodexError(.writesRefused, "")) {
                try await temporary.store.archiveLog(to: target + "/archive")
            }
        }

        @Test("No checkpoint is published if a flush failed in another process meanwhile")
        func checkpoint() async throws {
            let other = OtherProcess()
            let (failures, failure) = AsyncStream<CodexError.Code>.makeStream()
            var options = StoreOptions()
            options.checkpoints.interval = .milliseconds(200)
            options.observer = { event in
                if case .checkpointFailed(let code, _) = event { failure.yield(code) }
            }
            options.parts.calls = AfterCall(.flushData) { other.mark() }
            let temporary = try TemporaryStore(schema: FaultTests.schema, options: options)
            let file = URL(fileURLWithPath: temporary.path + "/checkpoint")
            let before = try Data(contentsOf: file)
            other.fails(at: temporary.path)
            #expect(write(temporary.store, 0) == nil)
            var iterator = failures.makeAsyncIterator()
            #expect(await iterator.next() == .writesRefused)
            #expect(try Data(contentsOf: file) == before)
        }

        @Test("A checkpoint flushes the log by a descriptor that it has had since it was pinned")
        func pinnedSegment() async throws {
            let segment = MovedFile()
            let (events, event) = AsyncStream<String>.makeStream()
            var options = StoreOptions()
            options.checkpoints.interval = .milliseconds(200)
            options.observer = { seen in
                switch seen {
                case .checkpoint: event.yield("checkpoint")
                case .checkpointFailed(let code, _): event.yield(code.description)
                default: break
                }
            }
            // A descriptor that is opened later would not get an error that another process has
            // seen.
            options.parts.reached = { step in
                if step == .pinned { segment.moveAway() }
                if step == .dataFlushed { segment.moveBack() }
            }
            let temporary = try TemporaryStore(schema: FaultTests.schema, options: options)
            segment.begin(with: temporary.path + "/log/0000000000000001.segment")
            #expect(write(temporary.store, 0) == nil)
            var iterator = events.makeAsyncIterator()
            #expect(await iterator.next() == "checkpoint")
            #expect(write(temporary.store, 1) == nil)
        }

        @Test("No backup is published if a flush failed in another process meanwhile")
        func backup() async throws {
            let other = OtherProcess()
            var options = StoreOptions()
            options.checkpoints.interval = .seconds(600)
            options.parts.calls = AfterCall(.flushLog) { other.mark() }
            let temporary = try TemporaryStore(schema: FaultTests.schema, options: options)
            #expect(write(temporary.store, 0) == nil)
            other.fails(at: temporary.path)
            let target = try TemporaryStore.makeDirectory()
            defer { try? FileManager.default.removeItem(atPath: target) }
            await #expect(throws: CodexError(.writesRefused, "")) {
                try await temporary.store.backup(to: target + "/backup")
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: target).isEmpty)
            // A store that refuses writes is copied as it is.
            try await temporary.store.backup(to: target + "/backup")
        }

        // MARK: Flushes before a write

        @Test(
            "A write is refused, and not unknown, if a flush fails before its transaction begins",
            arguments: [false, true])
        func flushBeforeWrite(changesSchema: Bool) async throws {
            let calls = FailingCall(.flushData)
            var options = StoreOptions()
            options.checkpoints.interval = .seconds(600)
            options.parts.calls = calls
            let temporary = try TemporaryStore(schema: FaultTests.schema, options: options)
            let store = temporary.store
            #expect(write(store, 0) == nil)
            // As on a device that is nearly full: a checkpoint must precede the next transaction.
            let checkpointer = try #require(store.parts?.checkpointer)
            checkpointer.state.withLock { state in
                state.isShort = true
                state.fileByteCount = state.usedByteCount
            }
            #expect(checkpointer.needsRoom)
            calls.arm()
            let runCount = Locked(0)
            func change() async throws {
                guard changesSchema else {
                    return try await store.write { _ in runCount.withLock { $0 += 1 } }
                }
                let index = IndexDefinition("byX", partitionKey: [KeyAttribute("x")])
                try await store.addIndex(index, to: "f")
            }
            await #expect(throws: CodexError(.writesRefused, "")) { try await change() }
            #expect(runCount.withLock { $0 } == 0)
            #expect(write(store, 1) == .writesRefused)
        }

        @Test("A write is refused, and not unknown, if a flush fails before its record is written")
        func flushBeforeRecord() throws {
            let calls = FailingCall(.flushLog)
            var options = StoreOptions()
            options.checkpoints.interval = .seconds(600)
            options.parts.calls = calls
            let temporary = try TemporaryStore(schema: NumberedItems.schema(), options: options)
            // The first segment has 256 KiB. It is flushed before the next one begins.
            try NumberedItems.put(0..<2, byteCount: 100_000, in: temporary.store)
            calls.arm()
            #expect(throws: CodexError(.writesRefused, "")) {
                try NumberedItems.put(2..<3, byteCount: 100_000, in: temporary.store)
            }
            temporary.store.close()
            #expect(try NumberedItems.numbers(at: temporary.path) == [0, 1])
        }

        // MARK: Events

        @Test(
            "A failed flush of a full segment is reported once, if it may lose acknowledged commits",
            arguments: [false, true])
        func fullSegment(isInterval: Bool) throws {
            let calls = FailingCall(.flushLog)
            let codes = Mutex<[CodexError.Code]>([])
            let reported = DispatchSemaphore(value: 0)
            var options = StoreOptions(
                durability: isInterval ? .interval(losing: .seconds(600)) : .everyCommit)
            options.checkpoints.interval = .seconds(600)
            options.parts.calls = calls
            options.observer = { event in
                guard case .logFlushFailed(let code, _) = event else { return }
                codes.withLock { $0.append(code) }
                reported.signal()
            }
            let temporary = try TemporaryStore(schema: NumberedItems.schema(), options: options)
            // As above: the next segment begins with the third item.
            try NumberedItems.put(0..<2, byteCount: 100_000, in: temporary.store)
            calls.arm()
            for number in 2..<4 {
                #expect(throws: CodexError(.writesRefused, "")) {
                    try NumberedItems.put(
                        number..<number + 1, byteCount: 100_000, in: temporary.store)
                }
            }
            if isInterval {
                #expect(reported.wait(timeout: .now() + .seconds(Hang.seconds)) == .success)
            }
            // Closing tries to flush the log, too.
            temporary.store.close()
            let seen = codes.withLock { $0 }
            #expect(seen == (isInterval ? [.outcomeUnknown] : []))
        }

        @Test("A checkpoint that cannot flush the log is reported as that, and as a failed flush")
        func checkpointFlush() async throws {
            let calls = FailingCall(.flushLog)
            let (events, event) = AsyncStream<String>.makeStream()
            var options = StoreOptions(durability: .interval(losing: .seconds(600)))
            options.checkpoints.interval = .milliseconds(200)
            options.parts.calls = calls
            options.observer = { seen in
                switch seen {
                case .logFlushFailed(let code, _): event.yield("log: \(code)")
                case .checkpointFailed(let code, _): event.yield("checkpoint: \(code)")
                default: break
                }
            }
            let temporary = try TemporaryStore(schema: FaultTests.schema, options: options)
            calls.arm()
            #expect(write(temporary.store, 0) == nil)
            var iterator = events.makeAsyncIterator()
            let code = CodexError.Code.outcomeUnknown
            #expect(await iterator.next() == "log: \(code)")
            #expect(await iterator.next() == "checkpoint: \(code)")
        }
    }
}
