import CodexCore
import CodexTesting
import Dispatch
import Foundation
import TestSupport
import Testing

@testable import CodexStore

/// The pauses of a backup, the pipe between LMDB and its file, and its cancellation.
@Suite("The pace of a backup")
struct BackupPaceTests {
    // MARK: Pauses

    @Test("A share of the time is kept while others commit, within a bound")
    func share() {
        let work = Duration.milliseconds(10)
        func pause(_ share: Double, _ work: Duration, isBusy: Bool = true) -> Duration {
            BackupPace.yielding(share: share).pause(after: work, byteCount: 1, isBusy: isBusy)
        }
        #expect(pause(0.5, work) == work)
        #expect(pause(0.25, work) == work * 3)
        #expect(pause(1, work) == .zero)
        #expect(pause(0.5, work, isBusy: false) == .zero)
        let most = BackupPace.pauseMax
        for excess in [-1, 0, 1] {
            let work = most + .milliseconds(excess)
            #expect(pause(0.5, work) == min(work, most))
        }
        #expect(pause(.leastNonzeroMagnitude, work) == most)
        #expect(pause(0.5, .seconds(Int64.max)) == most)
        #expect(BackupPace.yielding == .yielding(share: 0.5))
    }

    @Test("A rate is kept whether others commit or not", arguments: [false, true])
    func rate(isBusy: Bool) {
        let pace = BackupPace.bytesPerSecond(1000)
        func pause(_ work: Duration, _ byteCount: Int) -> Duration {
            pace.pause(after: work, byteCount: byteCount, isBusy: isBusy)
        }
        #expect(pause(.milliseconds(50), 250) == .milliseconds(200))
        #expect(pause(.milliseconds(249), 250) == .milliseconds(1))
        #expect(pause(.milliseconds(250), 250) == .zero)
        #expect(pause(.milliseconds(251), 250) == .zero)
        let unlimited = BackupPace.unlimited
        #expect(unlimited.pause(after: .seconds(1), byteCount: 1, isBusy: isBusy) == .zero)
    }

    @Test("Shares and rates out of range are refused")
    func ranges() async throws {
        for share in [0.0, -1, 1.001, .nan, .infinity] {
            #expect(throws: CodexError(.invalidArgument, "")) {
                try BackupPace.yielding(share: share).validate()
            }
        }
        #expect(throws: CodexError(.invalidArgument, "")) {
            try BackupPace.bytesPerSecond(0).validate()
        }
        for pace in [.unlimited, .yielding(share: 1), .yielding(share: 1e-9), .bytesPerSecond(1)]
            as [BackupPace]
        {
            try pace.validate()
        }
        let temporary = try TemporaryStore(schema: BackupTests.schema)
        await #expect(throws: CodexError(.invalidArgument, "")) {
            try await temporary.store.backup(
                to: temporary.path + "-backup", pace: .bytesPerSecond(0))
        }
    }

    // MARK: Pauses

    /// A clock, the newest transaction, and the pauses that were made.
    private final class Machine: Sendable {
        let time = Locked(Duration.zero)
        let transactionID = Locked(1)
        let pauses = Locked<[Duration]>([])
        /// Called in each pause.
        let duringPause = Locked<(@Sendable () -> Void)?>(nil)

        func work(_ milliseconds: Int, commits: Bool = false) {
            time.withLock { $0 += .milliseconds(milliseconds) }
            if commits { transactionID.withLock { $0 += 1 } }
        }

        func pacer(_ pace: BackupPace) -> BackupPacer {
            BackupPacer(
                pace, clock: { [self] in time.withLock { $0 } },
                lastTransactionID: { [self] in transactionID.withLock { $0 } },
                wait: { [self] pause, _ in
                    pauses.withLock { $0.append(pause) }
                    time.withLock { $0 += pause }
                    duringPause.withLock { $0 }?()
                })
        }
    }

    @Test("Only parts during which others committed are followed by a pause, as long as the work")
    func pauses() throws {
        let machine = Machine()
        let pacer = machine.pacer(.yielding)
        // The first part has nothing to compare with.
        machine.work(10, commits: true)
        try pacer.pause(after: 1)
        #expect(machine.pauses.withLock { $0 }.isEmpty)
        machine.work(7, commits: true)
        try pacer.pause(after: 1)
        machine.work(5)
        try pacer.pause(after: 1)
        machine.work(3, commits: true)
        try pacer.pause(after: 1)
        // A pause is no work of the next part.
        #expect(machine.pauses.withLock { $0 } == [.milliseconds(7), .milliseconds(3)])
    }

    @Test("A cancelled backup ends at its next part, and also in a pause")
    func cancellation() throws {
        let machine = Machine()
        let pacer = machine.pacer(.bytesPerSecond(1))
        try pacer.pause(after: 1)
        machine.duringPause.withLock { $0 = { pacer.cancel() } }
        #expect(throws: CodexError(.cancelled, "")) { try pacer.pause(after: 1) }
        #expect(machine.pauses.withLock { $0 }.count == 2)
        #expect(throws: CodexError(.cancelled, "")) { try pacer.pause(after: 1) }
        #expect(machine.pauses.withLock { $0 }.count == 2)
    }

    // MARK: The pipe

    /// Runs a body with an empty file in a directory.
    private func withFile(_ body: (File) throws -> Void) throws {
        let path = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let file = try File("copy", in: try Directory(path), .create)
        defer { file.close() }
        try body(file)
    }

    /// Writes bytes to a pipe, in pieces of a size.
    private static func send(
        _ bytes: [UInt8], inPiecesOf count: Int, to descriptor: Int32
    ) throws(CodexError) {
        var sent = 0
        while sent < bytes.count {
            let piece = bytes[sent..<min(sent + count, bytes.count)]
            let written = piece.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard written > 0 else { throw CodexError(.inputOutput, "The pipe is closed.") }
            sent += written
        }
    }

    @Test("The file has the bytes of the pipe, with a pause after each whole part")
    func bytes() throws {
        let part = BackupPipe.partByteCount
        var random = SplitMix(seed: 7)
        for count in [0, 1, part - 1, part, part + 1, 3 * part + 7] {
            let bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            let piece = Int.random(in: 1...200_000, using: &random)
            let machine = Machine()
            try withFile { file in
                try BackupPipe.copy(to: file, machine.pacer(.bytesPerSecond(1))) {
                    descriptor throws(CodexError) in
                    try Self.send(bytes, inPiecesOf: piece, to: descriptor)
                }
                #expect(try file.read(at: 0, count: count + 1) == bytes)
            }
            #expect(machine.pauses.withLock { $0 }.count == count / part)
        }
    }

    @Test("After a cancellation the writer's end fails, and no signal ends the process")
    func closedPipe() throws {
        let pacer = Machine().pacer(.unlimited)
        pacer.cancel()
        try withFile { file in
            #expect(throws: CodexError(.cancelled, "")) {
                try BackupPipe.copy(to: file, pacer) { descriptor throws(CodexError) in
                    let bytes = [UInt8](repeating: 1, count: 4 << 20)
                    try Self.send(bytes, inPiecesOf: 1 << 20, to: descriptor)
                }
            }
        }
    }

    @Test("The errors of the file and of the writer are thrown")
    func errors() throws {
        let pacer = Machine().pacer(.unlimited)
        try withFile { file in
            #expect(throws: CodexError(.corrupted, "")) {
                try BackupPipe.copy(to: file, pacer) { _ throws(CodexError) in
                    throw CodexError(.corrupted, "The data file is damaged.")
                }
            }
            file.close()
            #expect(throws: CodexError(.inputOutput, "")) {
                try BackupPipe.copy(to: file, pacer) { descriptor throws(CodexError) in
                    try Self.send([1], inPiecesOf: 1, to: descriptor)
                }
            }
        }
    }

    // MARK: Backups

    private func makeStore() throws -> TemporaryStore {
        let temporary = try TemporaryStore(schema: BackupTests.schema)
        for number in 0..<8 {
            let item: Item = [
                "p": "p", "s": .string("\(number)"),
                "bytes": .binary([UInt8](repeating: UInt8(number), count: 100_000)),
            ]
            try temporary.store.write { _ = try $0.put(item, in: "t") }
        }
        return temporary
    }

    @Test("Backups at each pace are whole")
    func wholeBackups() async throws {
        let temporary = try makeStore()
        let folder = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for (number, pace) in [
            BackupPace.unlimited, .yielding, .yielding(share: 1), .bytesPerSecond(1 << 40),
        ].enumerated() {
            try await temporary.store.backup(to: "\(folder)/\(number)", pace: pace)
            let coverage = try await Store.verifyBackup("\(folder)/\(number)")
            #expect(coverage.lastSequence == 8)
        }
    }

    @Test("A cancelled backup leaves nothing, and the next one is made")
    func cancelledBackup() async throws {
        let temporary = try makeStore()
        let store = temporary.store
        let folder = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // At this pace it would take days.
        let backup = Task { try await store.backup(to: folder + "/a", pace: .bytesPerSecond(1)) }
        backup.cancel()
        await #expect(throws: CancellationError.self) { try await backup.value }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
        try await store.backup(to: folder + "/a")
        _ = try await Store.verifyBackup(folder + "/a")
    }
}
