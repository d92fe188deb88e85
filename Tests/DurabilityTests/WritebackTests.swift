import CodexCore
import CodexTesting
import CrashSupport
import Dispatch
import FaultyCalls
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import CodexStore

/// The data file is written out in parts before a checkpoint flushes it.
@Suite("Writing out before a flush", .serialized)
struct WritebackTests {
    /// Records the calls on the data file, and fails those that write out if it is told to.
    private final class RecordedCalls: StoreCalls {
        let calls = Mutex<[StoreCall]>([])
        /// Signalled at each part that is written out.
        let part = DispatchSemaphore(value: 0)
        private let failure: CodexError?

        init(failure: CodexError? = nil) { self.failure = failure }

        func perform(
            _ call: StoreCall, _ make: () throws(CodexError) -> Void
        ) throws(CodexError) {
            switch call {
            case .writeOutData:
                calls.withLock { $0.append(call) }
                defer { part.signal() }
                if let failure { throw failure }
                try make()
            case .flushData:
                calls.withLock { $0.append(call) }
                try make()
            default: try make()
            }
        }

        var ranges: [Range<Int>] {
            calls.withLock { calls in
                calls.compactMap { call -> Range<Int>? in
                    guard case .writeOutData(let range) = call else { return nil }
                    return range
                }
            }
        }

        var flushCount: Int { calls.withLock { calls in calls.filter { $0 == .flushData }.count } }
    }

    private func options(_ calls: RecordedCalls, stepByteCount: Int) -> StoreOptions {
        var options = StoreOptions()
        options.checkpoints.interval = .seconds(600)
        options.parts.calls = calls
        options.writebackByteCount = stepByteCount
        return options
    }

    private func makeStore(_ options: StoreOptions) throws -> TemporaryStore {
        try TemporaryStore(schema: NumberedItems.schema(), options: options)
    }

    private func waitForPart(_ calls: RecordedCalls) -> Bool {
        calls.part.wait(timeout: .now() + .seconds(Hang.seconds)) == .success
    }

    #if os(Linux)
        @Test("Parts follow commits, leave out the meta pages, and a flush follows them")
        func order() throws {
            let calls = RecordedCalls()
            let temporary = try makeStore(options(calls, stepByteCount: 1))
            for number in 0..<20 {
                try NumberedItems.put(number..<number + 1, byteCount: 1000, in: temporary.store)
            }
            #expect(waitForPart(calls))
            temporary.store.close()
            let ranges = calls.ranges
            #expect(!ranges.isEmpty)
            #expect(ranges.allSatisfy { $0.lowerBound >= 2 * 4096 && !$0.isEmpty })
            #expect(calls.calls.withLock { $0.last } == .flushData)
            #expect(try NumberedItems.numbers(at: temporary.path) == Set(0..<20))
        }

        @Test("After a part that failed, the store refuses writes and makes no checkpoint")
        func failedPart() throws {
            let calls = RecordedCalls(failure: CodexError(.inputOutput, "The device failed."))
            let temporary = try makeStore(options(calls, stepByteCount: 1))
            let checkpoint = URL(fileURLWithPath: temporary.path + "/checkpoint")
            let before = try Data(contentsOf: checkpoint)
            let flushCount = calls.flushCount
            let (accepted, refusal) = writeUntilRefused(temporary.store)
            #expect(refusal == .writesRefused)
            temporary.store.close()
            #expect(calls.ranges.count == 1 && calls.flushCount == flushCount)
            #expect(try Data(contentsOf: checkpoint) == before)
            #expect(try NumberedItems.numbers(at: temporary.path) == Set(0..<accepted))
        }

        /// Writes items one by one; a failure of a part is known to one of the next writes.
        private func writeUntilRefused(_ store: Store) -> (count: Int, code: CodexError.Code?) {
            for number in 0..<100_000 {
                do {
                    try NumberedItems.put(number..<number + 1, byteCount: 100, in: store)
                } catch {
                    return (number, (error as? CodexError)?.code)
                }
            }
            return (100_000, nil)
        }

        @Test(
            "A device's error counts as a failed flush, and a missing call does not",
            arguments: [EIO, ENOSPC, ENOSYS, EPERM])
        func systemErrors(error: Int32) throws {
            defer { faulty_arm(0, 0, 0, 0, "") }
            let calls = RecordedCalls()
            let temporary = try makeStore(options(calls, stepByteCount: 1))
            let directory = URL(fileURLWithPath: temporary.path).deletingLastPathComponent()
                .lastPathComponent
            let flushCount = calls.flushCount
            faulty_arm(Int32(FAULTY_WRITE_OUT), 1, error, 1, directory + "/store/data.mdb")
            let isFailure = error == EIO || error == ENOSPC
            if isFailure {
                #expect(writeUntilRefused(temporary.store).code == .writesRefused)
            } else {
                for number in 0..<50 {
                    try NumberedItems.put(number..<number + 1, byteCount: 100, in: temporary.store)
                }
                #expect(waitForPart(calls))
            }
            temporary.store.close()
            // The call is not made again in either case.
            #expect(faulty_count() == 1 && calls.ranges.count == 1)
            #expect((calls.flushCount > flushCount) == !isFailure)
        }

        @Test("A compaction replaces the data file while parts are due")
        func compaction() async throws {
            let calls = RecordedCalls()
            let temporary = try makeStore(options(calls, stepByteCount: 1))
            for round in 0..<3 {
                for number in 0..<20 {
                    try NumberedItems.put(
                        number..<number + 1, byteCount: 1000, version: round,
                        in: temporary.store)
                }
                try await temporary.store.compact()
            }
            try NumberedItems.put(20..<21, byteCount: 1000, in: temporary.store)
            temporary.store.close()
            #expect(try NumberedItems.numbers(at: temporary.path) == Set(0..<21))
        }
    #endif

    @Test("Without a step, only flushes write the data file out")
    func noSteps() throws {
        let calls = RecordedCalls()
        let temporary = try makeStore(options(calls, stepByteCount: 0))
        for number in 0..<20 {
            try NumberedItems.put(number..<number + 1, byteCount: 1000, in: temporary.store)
        }
        temporary.store.close()
        #expect(calls.ranges.isEmpty && calls.flushCount > 0)
    }
}
