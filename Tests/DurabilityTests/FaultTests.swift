import CodexCore
import CodexStore
import CodexTesting
import Dispatch
import FaultyCalls
import Foundation
import Synchronization
import TestSupport
import Testing

/// System calls that fail, at each place of the protocol. (Calls of this process, liblmdb's too.)
@Suite("Failing calls", .serialized)
struct FaultTests {
    static let schema = Schema(tables: [
        TableDefinition(
            "f", partitionKey: KeyAttribute("p"),
            indexes: [IndexDefinition("byG", partitionKey: [KeyAttribute("g")])])
    ])

    static func item(_ number: Int) -> Item {
        [
            "p": .string("p\(number)"), "g": .string("g\(number % 5)"),
            "x": .string(String(repeating: "x", count: 200 + number % 100)),
        ]
    }

    /// A place where a call fails.
    struct Place: Sendable, CustomTestStringConvertible {
        let name: String
        let kind: Int
        let file: String
        let error: Int32
        /// What the write gets; `nil` if it succeeds in spite of it.
        let code: CodexError.Code?
        /// Whether the store takes writes afterwards.
        let goesOn: Bool
        /// Whether a checkpoint is asked for.
        var inCheckpoint = false

        var testDescription: String { name }
    }

    static let places: [Place] = [
        Place(
            name: "appending, EIO", kind: FAULTY_PWRITE, file: ".segment", error: EIO,
            code: .outcomeUnknown, goesOn: false),
        Place(
            name: "appending, ENOSPC", kind: FAULTY_PWRITE, file: ".segment", error: ENOSPC,
            code: .outcomeUnknown, goesOn: false),
        Place(
            name: "flushing the log, EIO", kind: FAULTY_SYNC, file: ".segment", error: EIO,
            code: .outcomeUnknown, goesOn: false),
        Place(
            name: "reserving, ENOSPC", kind: FAULTY_FALLOCATE, file: "/data.mdb", error: ENOSPC,
            code: .diskFull, goesOn: true),
        Place(
            name: "LMDB's pages, EIO", kind: FAULTY_PWRITE, file: "/data.mdb", error: EIO,
            code: nil, goesOn: true),
        Place(
            name: "LMDB's pages, ENOSPC", kind: FAULTY_PWRITE, file: "/data.mdb", error: ENOSPC,
            code: nil, goesOn: true),
        Place(
            name: "a checkpoint's data, EIO", kind: FAULTY_SYNC, file: "/data.mdb", error: EIO,
            code: nil, goesOn: false, inCheckpoint: true),
        Place(
            name: "writing a checkpoint, ENOSPC", kind: FAULTY_PWRITE, file: "/checkpoint.new",
            error: ENOSPC, code: nil, goesOn: true, inCheckpoint: true),
        Place(
            name: "flushing a checkpoint, EIO", kind: FAULTY_SYNC, file: "/checkpoint.new",
            error: EIO, code: nil, goesOn: false, inCheckpoint: true),
        Place(
            name: "naming a checkpoint, EIO", kind: FAULTY_RENAME, file: "/checkpoint",
            error: EIO, code: nil, goesOn: false, inCheckpoint: true),
        Place(
            name: "flushing the directory, EIO", kind: FAULTY_SYNC, file: "/store", error: EIO,
            code: nil, goesOn: false, inCheckpoint: true),
    ]

    private func write(_ store: Store, _ number: Int) -> CodexError.Code? {
        write(store, number..<number + 1)
    }

    private func write(_ store: Store, _ numbers: Range<Int>) -> CodexError.Code? {
        do {
            try store.write { transaction in
                for number in numbers { try transaction.put(Self.item(number), in: "f") }
            }
            return nil
        } catch {
            return (error as? CodexError)?.code
        }
    }

    @Test(
        "Nothing acknowledged is lost, and what is unknown is there whole or not at all",
        arguments: places)
    func place(place: Place) async throws {
        defer { faulty_arm(0, 0, 0, 0, "") }
        let (failures, failure) = AsyncStream<CodexError.Code>.makeStream()
        var options = StoreOptions()
        options.checkpoints.interval = place.inCheckpoint ? .milliseconds(50) : .seconds(600)
        options.observer = { event in
            if case .checkpointFailed(let code, _) = event { failure.yield(code) }
        }
        let temporary = try TemporaryStore(schema: Self.schema, options: options)
        let store = temporary.store
        for number in 0..<10 { #expect(write(store, number) == nil) }
        // The name of its own keeps other tests' calls out.
        let directory = URL(fileURLWithPath: temporary.path).deletingLastPathComponent()
            .lastPathComponent
        var suffix = directory + "/store" + (place.file == "/store" ? "" : place.file)
        if place.file == ".segment" {
            suffix = directory + "/store/log/0000000000000001.segment"
        }
        faulty_arm(Int32(place.kind), 1, place.error, 0, suffix)
        if place.kind == FAULTY_FALLOCATE {
            // Until more room is needed than there is; the second, smaller, request fails too.
            faulty_arm(Int32(place.kind), 1, place.error, 1, suffix)
            var code: CodexError.Code?
            var number = 1000
            while code == nil, number < 100_000 {
                code = write(store, number..<number + 500)
                number += 500
            }
            #expect(code == place.code)
        } else if place.inCheckpoint {
            #expect(write(store, 10) == nil)
            var iterator = failures.makeAsyncIterator()
            let code = await iterator.next()
            #expect(code == (place.goesOn ? .diskFull : .outcomeUnknown))
        } else {
            #expect(write(store, 10) == place.code)
        }
        #expect(faulty_count() > 0)
        faulty_arm(0, 0, 0, 0, "")
        #expect(write(store, 11) == (place.goesOn ? nil : .writesRefused))
        // Reading goes on.
        for number in 0..<10 {
            #expect(
                try store.item(in: "f", key: PrimaryKey(.string("p\(number)"))) == Self.item(number)
            )
        }
        #expect(try store.verify().isSound)
        if !place.goesOn {
            // Other processes are refused too.
            let agent = try CrashAgent(temporary.path, writers: 0..<1, seed: 1, groups: 1)
            agent.waitForEnd()
            #expect(!agent.hasSucceeded)
        }
        store.close()
        let segment = try #require(try LogInspection(at: temporary.path).segments.last).number
        let reopened = try Store(at: temporary.path)
        defer { reopened.close() }
        if !place.goesOn {
            // Not in a file whose name or end may not be on stable storage.
            let now = try #require(try LogInspection(at: temporary.path).segments.last).number
            #expect(now > segment)
        }
        for number in 0..<10 {
            #expect(
                try reopened.item(in: "f", key: PrimaryKey(.string("p\(number)")))
                    == Self.item(number))
        }
        let unknown = try reopened.item(in: "f", key: PrimaryKey("p10"))
        #expect(unknown == Self.item(10) || (unknown == nil && place.code != nil))
        if place.goesOn {
            #expect(try reopened.item(in: "f", key: PrimaryKey("p11")) == Self.item(11))
        }
        #expect(try reopened.verify().isSound)
        #expect(write(reopened, 12) == nil)
    }

    @Test(
        "Writers do not wait for a checkpoint that failed, though no more pages may be replaced",
        arguments: [(FAULTY_SYNC, "/data.mdb", false), (FAULTY_PWRITE, "/checkpoint.new", true)])
    func failedUnderLoad(kind: Int, file: String, goesOn: Bool) throws {
        defer { faulty_arm(0, 0, 0, 0, "") }
        var options = StoreOptions()
        options.checkpoints = CheckpointPolicy(
            interval: .milliseconds(20), dirtyByteCount: 64 << 10, maximumDirtyBytes: 64 << 10)
        let temporary = try TemporaryStore(schema: Self.schema, options: options)
        let directory = URL(fileURLWithPath: temporary.path).deletingLastPathComponent()
            .lastPathComponent
        faulty_arm(Int32(kind), 1, EIO, 0, directory + "/store" + file)
        var codes: Set<CodexError.Code> = []
        var number = 0
        while number < 2000 || faulty_count() == 0, codes.isEmpty {
            if let code = write(temporary.store, number) { codes.insert(code) }
            number += 1
        }
        #expect(faulty_count() == 1)
        #expect(codes.isEmpty == goesOn)
        #expect(codes.isSubset(of: [.writesRefused, .outcomeUnknown]))
        temporary.store.close()
        let reopened = try Store(at: temporary.path)
        #expect(try reopened.verify().isSound)
        reopened.close()
    }

    @Test("A background flush that fails is not repeated, and no commit follows it")
    func backgroundFlush() throws {
        defer { faulty_arm(0, 0, 0, 0, "") }
        let failed = DispatchSemaphore(value: 0)
        let isLastWrite = Atomic(false)
        var options = StoreOptions(durability: .interval(losing: .milliseconds(200)))
        options.checkpoints.interval = .seconds(600)
        options.observer = { event in
            if case .logFlushFailed(.outcomeUnknown, _) = event { failed.signal() }
        }
        // The last write begins before the flush of the first one fails, and is appended after it.
        options.parts.beforeCommit = {
            if isLastWrite.load(ordering: .relaxed) { failed.wait() }
        }
        let temporary = try TemporaryStore(schema: Self.schema, options: options)
        let directory = URL(fileURLWithPath: temporary.path).deletingLastPathComponent()
            .lastPathComponent
        faulty_arm(
            Int32(FAULTY_SYNC), 1, EIO, 1, directory + "/store/log/0000000000000001.segment")
        #expect(write(temporary.store, 0) == nil)
        isLastWrite.store(true, ordering: .relaxed)
        #expect(write(temporary.store, 1) == .writesRefused)
        temporary.store.close()
        #expect(faulty_count() == 1)
        faulty_arm(0, 0, 0, 0, "")
        let reopened = try Store(at: temporary.path)
        defer { reopened.close() }
        #expect(try reopened.item(in: "f", key: PrimaryKey("p1")) == nil)
        #expect(try reopened.verify().isSound)
    }

    @Test("What a commit's changes add up to only on the way does not keep it from being redone")
    func partialSums() throws {
        defer { faulty_arm(0, 0, 0, 0, "") }
        let schema = Schema(tables: [
            TableDefinition(
                "f", partitionKey: KeyAttribute("p"),
                counters: [CounterDefinition("byG", group: [KeyAttribute("g")], sums: ["v"])])
        ])
        let temporary = try TemporaryStore(schema: schema)
        func item(_ name: String, _ value: String) throws -> Item {
            ["p": .string(name), "g": "g", "v": .number(try Number(parsing: value))]
        }
        let (large, small, next) = (
            try item("a", "1e40"), try item("b", "0.1"), try item("c", "1")
        )
        try temporary.store.write { _ = try $0.put(large, in: "f") }
        let directory = URL(fileURLWithPath: temporary.path).deletingLastPathComponent()
            .lastPathComponent
        // The commit stays in the log; the next writer redoes it.
        faulty_arm(Int32(FAULTY_PWRITE), 1, EIO, 0, directory + "/store/data.mdb")
        _ = try temporary.store.write { transaction in
            try transaction.perform([
                .put(table: "f", small), .delete(table: "f", key: PrimaryKey("a")),
            ])
        }
        #expect(faulty_count() == 1)
        faulty_arm(0, 0, 0, 0, "")
        try temporary.store.write { _ = try $0.put(next, in: "f") }
        #expect(try temporary.store.verify().isSound)
        temporary.store.close()
        try Store(at: temporary.path).close()
    }

    @Test("A refusal holds until a recovery; opening for reading is none")
    func refusalStays() throws {
        defer { faulty_arm(0, 0, 0, 0, "") }
        let temporary = try TemporaryStore(schema: Self.schema)
        #expect(write(temporary.store, 1) == nil)
        let directory = URL(fileURLWithPath: temporary.path).deletingLastPathComponent()
            .lastPathComponent
        faulty_arm(
            Int32(FAULTY_PWRITE), 1, EIO, 0, directory + "/store/log/0000000000000001.segment")
        #expect(write(temporary.store, 2) == .outcomeUnknown)
        faulty_arm(0, 0, 0, 0, "")
        temporary.store.close()
        var options = StoreOptions()
        options.isReadOnly = true
        #expect(throws: CodexError(.needsRecovery, "")) {
            try Store(at: temporary.path, options: options)
        }
        let store = try Store(at: temporary.path)
        #expect(write(store, 3) == nil)
        store.close()
        try Store(at: temporary.path, options: options).close()
    }

    @Test("A file system that fills up: named, nothing acknowledged lost, and it goes on with room")
    func full() throws {
        guard LoopDisk.isPossible else { return }
        let disk = try LoopDisk(byteCount: 24 << 20)
        let path = disk.path + "/store"
        var options = StoreOptions()
        options.checkpoints.interval = .milliseconds(20)
        options.changeRetention = ChangeRetention(byteCount: 1 << 20)
        options.logSegmentByteCountMax = 512 << 10
        let store = try Store(at: path, schema: Self.schema, options: options)
        let ballast = disk.path + "/ballast"
        try Data(repeating: 1, count: 2 << 20).write(to: URL(fileURLWithPath: ballast))
        var (last, code): (Int, CodexError.Code?) = (0, nil)
        while code == nil, last < 100_000 {
            code = write(store, last..<last + 50)
            if code == nil { last += 50 }
        }
        #expect(code == .diskFull)
        #expect(try store.verify().itemCount == last)
        // A second try fails in the same way, and room lets it go on.
        try FileManager.default.removeItem(atPath: ballast)
        #expect(write(store, 200_000) == nil)
        store.close()
        let reopened = try Store(at: path)
        let report = try reopened.verify()
        #expect(report.isSound)
        #expect(report.itemCount == last + 1)
        reopened.close()
    }

    @Test(
        "Where there is no room for a backup, an archive or a restored store, nothing is left of it"
    )
    func fullBackup() async throws {
        guard LoopDisk.isPossible else { return }
        let disk = try LoopDisk(byteCount: 24 << 20)
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try await store.backup(to: directory + "/small")
        try await store.archiveLog(to: disk.path + "/archive")
        let noise = try #require(FileHandle(forReadingAtPath: "/dev/urandom"))
        for number in 0..<100 {
            let bytes = [UInt8](try noise.read(upToCount: 400_000) ?? Data())
            let item: Item = ["p": .string("p\(number)"), "bytes": .binary(bytes)]
            _ = try await store.write { try $0.put(item, in: "f") }
        }
        try await store.backup(to: directory + "/large")
        func expectFull(_ body: () async throws -> Void) async throws {
            await #expect(throws: CodexError(.diskFull, "")) { try await body() }
            let names = try FileManager.default.contentsOfDirectory(atPath: disk.path)
            #expect(Set(names).isSubset(of: ["lost+found", "archive"]))
        }
        try await expectFull { try await store.backup(to: disk.path + "/backup") }
        try await expectFull { try await store.archiveLog(to: disk.path + "/archive") }
        // What was archived is as it was, and the rest follows elsewhere.
        _ = try await Store.verifyBackup(directory + "/small", archive: disk.path + "/archive")
        try await expectFull {
            try await Store.restore(directory + "/large", at: disk.path + "/restored")
        }
        try await store.archiveLog(to: directory + "/archive")
        try await expectFull {
            try await Store.restore(
                directory + "/small", archive: directory + "/archive", at: disk.path + "/restored")
        }
        #expect(try store.verify().isSound)
        let restored = try await Store.restore(
            directory + "/small", archive: directory + "/archive", at: directory + "/restored")
        #expect(restored.commitCount == 100)
    }

    @Test(
        "A recovery whose calls fail leaves the store to the next one",
        arguments: [
            (Int(FAULTY_PWRITE), "/data.mdb"),
            (Int(FAULTY_SYNC), "/log/0000000000000001.segment"),
            (Int(FAULTY_RENAME), "/log/0000000000000002.segment"),
        ])
    func recovery(kind: Int, file: String) throws {
        defer { faulty_arm(0, 0, 0, 0, "") }
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var store = CrashStore(directory + "/store")
        let agent = try CrashAgent(
            store.path, writers: 0..<4, seed: 3, killedAt: .committed, after: 20,
            rareCheckpoints: true)
        agent.waitForEnd()
        store.note(agent)
        let name = URL(fileURLWithPath: directory).lastPathComponent
        faulty_arm(Int32(kind), 1, EIO, 0, name + "/store" + file)
        #expect(throws: CodexError.self) { try Store(at: store.path) }
        #expect(faulty_count() == 1)
        faulty_arm(0, 0, 0, 0, "")
        try store.check()
    }
}
