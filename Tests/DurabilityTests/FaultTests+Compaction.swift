import CodexCore
import CodexTesting
import FaultyCalls
import Foundation
import TestSupport
import Testing

@testable import CodexStore

extension FaultTests {
    /// A call of a compaction that fails before the copy is the data file.
    static let compactionPlaces: [Place] = [
        Place(
            name: "copying, ENOSPC", kind: FAULTY_PWRITE, file: "/compacting/data.mdb",
            error: ENOSPC, code: .diskFull, goesOn: true),
        Place(
            name: "copying, EIO", kind: FAULTY_PWRITE, file: "/compacting/data.mdb", error: EIO,
            code: .inputOutput, goesOn: true),
        Place(
            name: "reserving, ENOSPC", kind: FAULTY_FALLOCATE, file: "/compacting/data.mdb",
            error: ENOSPC, code: .diskFull, goesOn: true),
        Place(
            name: "flushing the copy, EIO", kind: FAULTY_SYNC, file: "/compacting/data.mdb",
            error: EIO, code: .inputOutput, goesOn: true),
        Place(
            name: "flushing the copy's name, EIO", kind: FAULTY_SYNC, file: "/compacting",
            error: EIO, code: .inputOutput, goesOn: true),
        Place(
            name: "writing the intent, ENOSPC", kind: FAULTY_PWRITE, file: "/compaction.new",
            error: ENOSPC, code: .diskFull, goesOn: true),
        Place(
            name: "flushing the intent, EIO", kind: FAULTY_SYNC, file: "/compaction.new",
            error: EIO, code: .inputOutput, goesOn: true),
    ]

    private func suffix(_ temporary: TemporaryStore, _ file: String) -> String {
        let directory = URL(fileURLWithPath: temporary.path).deletingLastPathComponent()
            .lastPathComponent
        return directory + "/store" + file
    }

    private func expectItems(_ numbers: Range<Int>, _ store: Store) throws {
        for number in numbers {
            let key = PrimaryKey(.string("p\(number)"))
            #expect(try store.item(in: "f", key: key) == Self.item(number))
        }
        #expect(try store.verify().isSound)
    }

    private func put(_ numbers: Range<Int>, _ store: Store) throws {
        try store.write { transaction in
            for number in numbers { try transaction.put(Self.item(number), in: "f") }
        }
    }

    @Test(
        "A compaction that fails before the file is replaced leaves the store as it was",
        arguments: compactionPlaces)
    func compaction(place: Place) async throws {
        defer { faulty_arm(0, 0, 0, 0, "") }
        let temporary = try TemporaryStore(schema: Self.schema)
        let store = temporary.store
        try put(0..<100, store)
        faulty_arm(Int32(place.kind), 1, place.error, 0, suffix(temporary, place.file))
        let code = try #require(place.code)
        await #expect(throws: CodexError(code, "")) { try await store.compact() }
        #expect(faulty_count() == 1)
        faulty_arm(0, 0, 0, 0, "")
        let names = Set(try FileManager.default.contentsOfDirectory(atPath: temporary.path))
        #expect(names.isDisjoint(with: ["compaction", "compaction.new", "compacting"]))
        try expectItems(0..<100, store)
        try put(100..<110, store)
        try await store.compact()
        try expectItems(0..<110, store)
        store.close()
        let reopened = try Store(at: temporary.path)
        defer { reopened.close() }
        try expectItems(0..<110, reopened)
    }

    @Test(
        "A compaction that fails once the file is replaced is completed by the next opening",
        arguments: [
            (ProtocolStep.compactionRenamed, ""), (.compactionRenamed, "/checkpoint.new"),
            (.compactionPublished, ""),
        ])
    func replaced(step: ProtocolStep, file: String) async throws {
        defer { faulty_arm(0, 0, 0, 0, "") }
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let (path, name) = (directory + "/store", URL(fileURLWithPath: directory).lastPathComponent)
        var options = StoreOptions()
        options.parts.reached = { reached in
            guard reached == step else { return }
            faulty_arm(Int32(FAULTY_SYNC), 1, EIO, 0, name + "/store" + file)
        }
        let store = try Store(at: path, schema: Self.schema, options: options)
        try put(0..<100, store)
        await #expect(throws: CodexError(.closed, "")) { try await store.compact() }
        #expect(faulty_count() == 1)
        faulty_arm(0, 0, 0, 0, "")
        // All use is refused, and nothing hangs.
        #expect(throws: CodexError(.closed, "")) {
            try store.item(in: "f", key: PrimaryKey("p1"))
        }
        #expect(throws: CodexError(.closed, "")) { try store.stats() }
        #expect(throws: CodexError(.closed, "")) { try put(100..<101, store) }
        await #expect(throws: CodexError(.closed, "")) { try await store.compact() }
        store.close()
        let reopened = try Store(at: path)
        defer { reopened.close() }
        try expectItems(0..<100, reopened)
        try put(100..<110, reopened)
        try await reopened.compact()
        try expectItems(0..<110, reopened)
        let names = Set(try FileManager.default.contentsOfDirectory(atPath: path))
        #expect(names.isDisjoint(with: ["compaction", "compaction.new", "compacting"]))
    }

    @Test("Where there is no room for the copy, the store goes on, and is compacted once there is")
    func fullCompaction() async throws {
        guard LoopDisk.isPossible else { return }
        let disk = try LoopDisk(byteCount: 64 << 20)
        let store = try Store(at: disk.path + "/store", schema: Self.schema)
        defer { store.close() }
        for start in stride(from: 0, to: 15_000, by: 500) { try put(start..<start + 500, store) }
        let ballast = disk.path + "/ballast"
        let byteCount = try Directory(disk.path).device.freeByteCount() - (2 << 20)
        try Data(repeating: 1, count: byteCount).write(to: URL(fileURLWithPath: ballast))
        await #expect(throws: CodexError(.diskFull, "")) { try await store.compact() }
        let names = Set(try FileManager.default.contentsOfDirectory(atPath: disk.path + "/store"))
        #expect(names.isDisjoint(with: ["compaction", "compaction.new", "compacting"]))
        try expectItems(0..<50, store)
        try FileManager.default.removeItem(atPath: ballast)
        for start in stride(from: 50, to: 15_000, by: 50) {
            try await store.write { transaction in
                for number in start..<start + 50 {
                    try transaction.delete(in: "f", key: PrimaryKey(.string("p\(number)")))
                }
            }
        }
        let report = try await store.compact()
        #expect(report.byteCountAfter < report.byteCountBefore / 2)
        try expectItems(0..<50, store)
    }
}
