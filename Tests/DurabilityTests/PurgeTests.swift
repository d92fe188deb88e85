import CodexCore
import CodexTesting
import CrashSupport
import Foundation
import TestSupport
import Testing

@testable import CodexStore

/// What a purge leaves of deleted items in the store's files: nothing, whatever cut it short
/// before.
@Suite("Purges", .serialized, .timeLimit(.minutes(30)))
struct PurgeTests {
    private let directory: TestDirectory
    private var path: String { directory.path + "/store" }

    init() throws { directory = try TestDirectory() }

    /// Makes a store with items that were deleted; their values have pages of their own, or chunks.
    private func fill() throws {
        let store = try Store(at: path, schema: NumberedItems.schema(indexCount: 1))
        defer { store.close() }
        try NumberedItems.put(0..<190, byteCount: 3000, in: store)
        try NumberedItems.put(190..<200, byteCount: 50_000, in: store)
        try NumberedItems.delete(100..<200, in: store)
    }

    /// What two of the deleted items have alone.
    private func remains() throws -> [PlantedSecret] {
        try [(150, 3000), (195, 50_000)].map { number, byteCount in
            let value = NumberedItems.item(number, byteCount: byteCount)["b"]
            guard case .binary(let bytes)? = value else { throw CocoaError(.coderInvalidValue) }
            return PlantedSecret(bytes: Array(bytes.prefix(64)))
        }
    }

    private func findings() throws -> [String] {
        try remains().flatMap { try $0.findings(in: path) }
    }

    @Test(
        "Killed at each step, it loses nothing that is there, and the next one removes the rest",
        arguments: [
            "segmentPrepared", "segmentNamed", "segmentMarked", "dataFlushed", "checkpointWritten",
            "checkpointNamed", "checkpointPublished", "readerReleased", "compactionCopied",
            "compactionIntended", "compactionRenamed", "compactionPublished", "compactionSettled",
            "compactionReopened",
        ])
    func killed(step: String) throws {
        try fill()
        #expect(try !findings().isEmpty)
        let killed = try DrivenAgent(opening: path, "schema=no kill=\(step)")
        killed.tell("purge s")
        killed.waitUntilGone()
        #expect(try NumberedItems.numbers(at: path) == Set(0..<100))
        let next = try DrivenAgent(opening: path, "schema=no")
        try next.must("purge s")
        #expect(try findings() == [])
        try next.must("put s 100 50 3000")
        next.quit()
        #expect(try NumberedItems.numbers(at: path) == Set(0..<150))
    }

    @Test("It is refused while another process has the store open, and the history stays")
    func otherProcess() async throws {
        try fill()
        let store = try Store(at: path)
        defer { store.close() }
        let trimmed = try store.stats().trimmedSequence
        for options in ["schema=no", "schema=no readonly"] {
            let other = try DrivenAgent(opening: path, options)
            await #expect(throws: CodexError(.inUse, "")) { try await store.purgePlaintext() }
            #expect(try store.stats().trimmedSequence == trimmed)
            #expect(try other.must("state s").number == 100)
            other.quit()
        }
        let report = try await store.purgePlaintext()
        #expect(report.compaction.byteCountAfter < report.compaction.byteCountBefore)
        #expect(try store.stats().trimmedSequence == report.trimmedSequence)
        #expect(try findings() == [])
        #expect(try NumberedItems.state(store).numbers == Set(0..<100))
    }

    // MARK: Gaps of pages

    /// Makes a store with items of many sizes and no free pages, and closes it.
    private func compactedFile(itemCount: Int) async throws -> DataFile {
        let sizes = [10, 700, 1990, 2100, 3000, 4075, 5000, 12_000, 16_300, 60_000]
        let store = try Store(at: path, schema: NumberedItems.schema(indexCount: 2))
        for number in 0..<itemCount {
            let size = sizes[number % sizes.count]
            try NumberedItems.put(number..<number + 1, byteCount: size, in: store)
        }
        try NumberedItems.delete(0..<itemCount / 3, in: store)
        try await store.compact()
        store.close()
        return try DataFile(try Directory(path))
    }

    @Test("What pages have besides their entries is overwritten, and nothing else")
    func gaps() async throws {
        let file = try await compactedFile(itemCount: 300)
        let meta = try file.newestMetaPage()
        #expect(meta.hasNoFreePages)
        let mark = PlantedSecret(bytes: [UInt8](repeating: 0xA5, count: 32))
        for byte in [0xA5, 0] as [UInt8] {
            try PageGaps(file.file, meta).overwrite(with: byte)
            #expect(try mark.findings(in: path + "/data.mdb").isEmpty == (byte == 0))
            let store = try Store(at: path, options: StoreOptions(isReadOnly: true))
            defer { store.close() }
            #expect(try NumberedItems.state(store).numbers == Set(100..<300))
            #expect(try store.verify().isSound)
        }
    }

    @Test("Damaged pages are refused, and never read past their end")
    func damagedPages() async throws {
        let file = try await compactedFile(itemCount: 60)
        let meta = try file.newestMetaPage()
        let seed = UInt64.random(in: 1...1_000_000)
        print("damaged pages: seed \(seed)")
        var random = SplitMix(seed: seed)
        for _ in 0..<60 {
            // The head of a page, where its entries are, or its last entry's.
            let page = 2 + random.below(Int(meta.lastPage) - 1)
            let place = page * meta.pageByteCount + random.pick([10, 11, 12, 13, 14, 16, 17, 4088])
            let old = try file.file.read(at: place, count: 1)
            try file.file.write([UInt8(random.below(256))], at: place)
            do throws(CodexError) {
                try PageGaps(file.file, meta).overwrite()
            } catch {
                #expect(error.code == .corrupted)
            }
            try file.file.write(old, at: place)
        }
        file.file.close()
    }
}
