import CodexCore
import CodexTesting
import CrashSupport
import Dispatch
import FaultyCalls
import Foundation
import Synchronization
import Testing

@testable import CodexStore

extension FaultTests {
    /// Two writes that form one group, and that are too large for the data file.
    private final class LargeWrites: Sendable {
        private let runCountsByWrite = Mutex([0, 0])
        private let codes = Mutex<[CodexError.Code?]>([])
        private let answered = DispatchSemaphore(value: 0)

        /// The number of times that each body ran.
        var runCounts: [Int] { runCountsByWrite.withLock { $0 } }

        /// Puts both into the queue, while a write holds the writer.
        ///
        /// - Parameters:
        ///   - store: The store.
        ///   - begins: Called once both wait.
        /// - Returns: The codes of their errors.
        /// - Throws: The reason why the queue does not accept the writes.
        func run(in store: Store, begins: () -> Void) throws -> [CodexError.Code?] {
            let writer = try store.requireWriter()
            let (entered, release) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
            let holding = ClosureJob<Void>(
                { _ in
                    entered.signal()
                    release.wait()
                }, answer: { _ in })
            try writer.add(holding)
            entered.wait()
            for number in 0..<2 { try writer.add(job(number)) }
            begins()
            release.signal()
            for _ in 0..<2 { answered.wait() }
            return codes.withLock { $0 }
        }

        private func job(_ number: Int) -> WriteJob {
            ClosureJob<Void>(
                { [self] transaction in
                    runCountsByWrite.withLock { $0[number] += 1 }
                    for place in 0..<5 {
                        let item = NumberedItems.item(10 * number + place, byteCount: 380_000)
                        try transaction.put(item, in: "t")
                    }
                },
                answer: { [self] result in
                    let code: CodexError.Code? =
                        switch result {
                        case .success: nil
                        case .failure(let error): (error as? CodexError)?.code
                        }
                    codes.withLock { $0.append(code) }
                    answered.signal()
                })
        }
    }

    @Test("On a full disk, a body of a group runs twice at most: with the others, and alone")
    func runsOnFullDisk() throws {
        defer { faulty_arm(0, 0, 0, 0, "") }
        let full = Mutex<String?>(nil)
        var options = StoreOptions()
        options.checkpoints.interval = .seconds(600)
        options.parts.beforeCommit = {
            guard let file = full.withLock({ $0 }) else { return }
            faulty_arm(Int32(FAULTY_FALLOCATE), 1, ENOSPC, 1, file)
        }
        let temporary = try TemporaryStore(schema: NumberedItems.schema(), options: options)
        let store = temporary.store
        let directory = URL(fileURLWithPath: temporary.path).deletingLastPathComponent()
            .lastPathComponent
        try NumberedItems.put(100..<101, byteCount: 100, in: store)
        let checkpointer = try #require(store.parts?.checkpointer)
        let writes = LargeWrites()
        let codes = try writes.run(in: store) {
            // The group begins with a checkpoint, which finds no room the first time.
            checkpointer.state.withLock { state in
                state.isShort = true
                state.fileByteCount = state.usedByteCount
            }
            faulty_arm(Int32(FAULTY_PWRITE), 1, ENOSPC, 0, directory + "/store/checkpoint.new")
            full.withLock { $0 = directory + "/store/data.mdb" }
        }
        #expect(codes == [.diskFull, .diskFull])
        #expect(writes.runCounts == [2, 2])
        faulty_arm(0, 0, 0, 0, "")
        full.withLock { $0 = nil }
        try NumberedItems.put(101..<102, byteCount: 100, in: store)
        #expect(try NumberedItems.state(store).numbers == [100, 101])
    }

    @Test("History that readers need may be removed until the outermost permission ends")
    func nestedPermission() throws {
        let temporary = try TemporaryStore(schema: NumberedItems.schema())
        for number in 0..<5 {
            try NumberedItems.put(number..<number + 1, byteCount: 100_000, in: temporary.store)
        }
        temporary.store.close()
        let directory = try Directory(temporary.path)
        let checkpoint = try Checkpoint(of: directory)
        #expect(checkpoint.position.segment > 1)
        let log = try LogDirectory(store: directory, id: checkpoint.storeID)
        let lease = try StoreLease(directory, isReadOnly: false)
        let space = LogSpace(log, lease, StoreOptions())
        let reader = HistoryReader(name: "slow", sequence: 0)
        space.readers.withLock { readers in
            readers = { () throws -> [HistoryReader] in [reader] }
        }
        #expect(try space.shed() == 0)
        var removedCount: Int?
        space.sacrificing {
            space.sacrificing {}
            removedCount = try? space.shed()
        }
        #expect(removedCount == 1)
        #expect(try space.shed() == 0)
    }
}
