import CodexCore
import CodexStore
import CodexTesting
import Dispatch
import FaultyCalls
import Foundation
import Synchronization
import Testing

/// Failures of writes and flushes, and the flushes that follow them.
@Suite("Flushes after a failure", .serialized)
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
        #expect(flushed.wait(timeout: .now() + 60) == .success)
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
}
