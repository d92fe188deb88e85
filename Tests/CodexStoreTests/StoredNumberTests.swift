import CodexTesting
import Dispatch
import Foundation
import Testing

@testable import CodexCore
@testable import CodexStore

/// No number of a table or entity.
private let extremes = [Int.min, -1, 1_000_000_001, 1 << 53, .max]

/// Numbers in a store's files that no store writes: they are refused where they are read.
@Suite("Numbers that are read")
struct StoredNumberTests {
    private func expectCorrupted(_ comment: Comment, _ body: () throws -> Void) {
        #expect(throws: CodexError(.corrupted, ""), comment) { try body() }
    }

    // MARK: The manifest

    private typealias Object = [String: Any]

    private func table(_ name: String) -> TableDefinition {
        TableDefinition(name, partitionKey: KeyAttribute("p"))
    }

    private func manifest(
        _ made: Manifest = Manifest(schema: CodexFlow.schema), _ change: (inout Object) -> Void
    ) throws -> Manifest {
        var object = try #require(
            try JSONSerialization.jsonObject(with: Data(try made.json())) as? Object)
        change(&object)
        return try Manifest(json: Array(try JSONSerialization.data(withJSONObject: object)))
    }

    @Test("The highest number of a removed table", arguments: extremes)
    func lastNumber(number: Int) throws {
        expectCorrupted("\(number)") { _ = try manifest { $0["lastNumber"] = number } }
    }

    @Test("A table after the last number that there can be is refused", arguments: [-1, 0, 1])
    func lastTable(difference: Int) throws {
        let schema = CodexFlow.schema
        let more = Schema(tables: schema.tables + [table("more")], entities: schema.entities)
        let number = 1_000_000_000 + difference
        guard difference <= 0 else {
            return expectCorrupted("") { _ = try manifest { $0["lastNumber"] = number } }
        }
        var changed = try manifest { $0["lastNumber"] = number }
        if difference == 0 {
            #expect(throws: CodexError(.invalidSchema, "")) { _ = try changed.merge(more) }
        } else {
            let isMerged = try changed.merge(more)
            #expect(isMerged && changed.tables["more"]?.number == 1_000_000_000)
            #expect(try Manifest(json: try changed.json()).numbers.highest == 1_000_000_000)
        }
    }

    @Test("The number of a removed table", arguments: extremes)
    func droppedNumber(number: Int) throws {
        var made = Manifest(schema: Schema(tables: [table("a"), table("b")]))
        try made.drop("b", at: 1)
        expectCorrupted("\(number)") {
            _ = try manifest(made) { object in
                var dropped = object["dropped"] as? [Object] ?? []
                dropped[0]["number"] = number
                object["dropped"] = dropped
            }
        }
    }

    @Test("The numbers of tables and entities, those included that no schema names")
    func equalNumbers() throws {
        let name = CodexFlow.schema.tables[0].name
        expectCorrupted("two tables of one number") {
            _ = try manifest { object in
                var tables = object["tables"] as? Object ?? [:]
                tables["ghost"] = tables[name]
                object["tables"] = tables
            }
        }
        expectCorrupted("two entities of one number") {
            _ = try manifest { object in
                var entities = object["entities"] as? Object ?? [:]
                entities["Ghost"] = entities.first?.value
                object["entities"] = entities
            }
        }
        for number in extremes {
            expectCorrupted("the number of an entity") {
                _ = try manifest { object in
                    var entities = object["entities"] as? Object ?? [:]
                    entities["Ghost"] = number
                    object["entities"] = entities
                }
            }
        }
    }

    // MARK: Consumers

    @Test(
        "A consumer's place",
        arguments: ["commit", "before", "milliseconds", "movedAfter", "segment", "offset"])
    func consumer(field: String) throws {
        let limit: UInt64 = field == "offset" ? 1 << 48 : 1 << 62
        let made = Consumer(filter: .all, after: SequenceNumber(commit: 1), now: 1)
        func read(_ value: Any) throws -> Consumer {
            var object = try #require(
                try JSONSerialization.jsonObject(with: Data(try made.json())) as? Object)
            object[field] = value
            let json = try JSONSerialization.data(withJSONObject: object)
            return try Consumer(json: Array(json))
        }
        #expect(throws: Never.self) { try read(limit - 1) }
        for value in [limit, .max] { expectCorrupted("\(value)") { _ = try read(value) } }
        let others: [Any] = [-1, 1e30, 0.5, "1"]
        for value in others { expectCorrupted("\(value)") { _ = try read(value) } }
    }

    // MARK: LMDB

    private func metaPage(lastPage: UInt64, transaction: UInt64) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: MetaPage.byteCount)
        for (value, offset, count) in [
            (0xBEEF_C0DE, 16, 4), (1, 20, 4), (4096, 40, 4), (lastPage, 136, 8),
            (transaction, 144, 8),
        ] as [(UInt64, Int, Int)] {
            for index in 0..<count {
                bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
            }
        }
        return bytes
    }

    @Test("A meta page's last page and transaction", arguments: [1 << 40, 1 << 62] as [UInt64])
    func metaPages(limit: UInt64) {
        func page(_ value: UInt64) -> MetaPage? {
            limit == 1 << 40
                ? MetaPage(metaPage(lastPage: value, transaction: 1))
                : MetaPage(metaPage(lastPage: 1, transaction: value))
        }
        #expect(page(limit - 1) != nil && page(limit) == nil && page(limit + 1) == nil)
        #expect(page(.max) == nil && page(0) != nil)
    }

    /// A closed store with an item.
    private func closedStore(_ body: (_ path: String, _ id: UUID) throws -> Void) throws {
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = directory + "/store"
        let store = try Store(at: path, schema: Schema(tables: [table("a")]))
        let id = store.core.catalog.manifest.storeID
        try store.write { transaction in _ = try transaction.put(["p": "x"], in: "a") }
        store.close()
        try body(path, id)
    }

    private func change(_ path: String, _ body: (inout [UInt8]) -> Void) throws {
        let file = URL(fileURLWithPath: path + "/data.mdb")
        var bytes = [UInt8](try Data(contentsOf: file))
        body(&bytes)
        let handle = try FileHandle(forWritingTo: file)
        try handle.write(contentsOf: Data(bytes))
        try handle.close()
    }

    @Test("A data file with a meta page beyond all files is not opened", arguments: [136, 144])
    func dataFile(offset: Int) throws {
        for value: UInt64 in [1 << 62, 1 << 63, .max] {
            try closedStore { path, _ in
                try change(path) { bytes in
                    let pageByteCount = Int(bytes[40]) | Int(bytes[41]) << 8 | Int(bytes[42]) << 16
                    for place in [offset, pageByteCount + offset] {
                        withUnsafeBytes(of: value.littleEndian) {
                            bytes.replaceSubrange(place..<place + 8, with: $0)
                        }
                    }
                }
                expectCorrupted("\(value)") { try Store(at: path).close() }
            }
        }
    }

    @Test("Figures of trees that the file makes up are not summed up")
    func figures() throws {
        for value: UInt64 in [1 << 62, UInt64(Int.max), .max] {
            try closedStore { path, _ in
                var count = 0
                try change(path) { bytes in
                    for name in ["long", "chunks", "shapes"] {
                        count += Self.replaceFigures(of: name, in: &bytes, with: value)
                    }
                }
                try #require(count >= 3)
                do {
                    let store = try Store(at: path, options: Self.readOnly)
                    defer { store.close() }
                    let figures = try store.stats()
                    #expect(figures.overflowByteCount >= 0 && figures.shapeCount >= 0)
                } catch let error as CodexError {
                    #expect(error.code == .corrupted, "\(error)")
                }
            }
        }
    }

    private static var readOnly: StoreOptions {
        var options = StoreOptions()
        options.isReadOnly = true
        return options
    }

    /// Replaces the counts of pages in LMDB's records of a tree, which stand behind its name.
    private static func replaceFigures(
        of name: String, in bytes: inout [UInt8], with value: UInt64
    ) -> Int {
        let name = Array(name.utf8)
        let figures = withUnsafeBytes(of: value.littleEndian) { Array($0) }
        var count = 0
        // The length of the name stands before it; padding, flags and depth before the counts.
        for place in 8..<bytes.count - 64
        where bytes[place - 2] == name.count && bytes[place - 1] == 0
            && bytes[place..<place + name.count].elementsEqual(name)
        {
            let first = place + name.count + 8
            for figure in 0..<4 {
                let start = first + 8 * figure
                bytes.replaceSubrange(start..<start + 8, with: figures)
            }
            count += 1
        }
        return count
    }

    // MARK: The log

    @Test("A segment has 2 GiB and 1 MiB, and not a byte more", arguments: -1...1)
    func segmentSize(difference: Int) throws {
        try closedStore { path, id in
            let log = try LogDirectory(store: try Directory(path), id: id)
            let number = try #require(try log.numbers().last)
            let file = FileHandle(forWritingAtPath: path + "/log/" + log.fileName(number))
            let byteCount = LogSegment.byteCountMax + difference
            try file?.truncate(atOffset: UInt64(byteCount))
            guard difference <= 0 else {
                return expectCorrupted("") { _ = try log.open(number) }
            }
            #expect(try log.open(number)?.byteCount == byteCount)
        }
    }

    @Test("Sizes of files that are more than an integer together are the largest one")
    func fileSizes() {
        #expect(Int.max.addingFileSize(1) == .max && Int.max.addingFileSize(.max) == .max)
        #expect((Int.max - 1).addingFileSize(1) == .max && 1.addingFileSize(2) == 3)
    }

    /// Runs `body` on a thread with little room for calls.
    private func withSmallStack(_ body: @escaping @Sendable () throws -> Void) throws {
        let (done, outcome) = (DispatchSemaphore(value: 0), Locked<Result<Void, any Error>?>(nil))
        let thread = Thread {
            let result = Result { try body() }
            outcome.withLock { $0 = result }
            done.signal()
        }
        thread.stackSize = 512 << 10
        thread.start()
        done.wait()
        try #require(outcome.withLock { $0 }).get()
    }

    @Test("Thousands of segments without a record are passed over, without a call for each")
    func emptySegments() throws {
        let path = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try FileManager.default.createDirectory(
            atPath: path + "/log", withIntermediateDirectories: false)
        let (log, count) = (try LogDirectory(store: try Directory(path), id: UUID()), UInt64(5000))
        for number in 1...count {
            let header = LogSegmentHeader(
                storeID: log.storeID, number: number, incarnation: 1, firstSequence: 1,
                previousChecksum: 0, byteCount: 4096, milliseconds: 0)
            try Data(header.bytes).write(
                to: URL(fileURLWithPath: path + "/log/" + log.fileName(number)))
        }
        try withSmallStack {
            var cursor = LogCursor(
                log,
                after: LogPosition(
                    sequence: 0, segment: 1, offset: 4096, checksum: 0, changeCount: 0))
            let isEnd = try cursor.next() == nil
            #expect(isEnd && cursor.position.segment == count)
        }
    }

    @Test("Records that overlap are made up, and not all read", .timeLimit(.minutes(30)))
    func overlappingRecords() throws {
        let path = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try FileManager.default.createDirectory(
            atPath: path + "/log", withIntermediateDirectories: false)
        let (log, byteCount) = (try LogDirectory(store: try Directory(path), id: UUID()), 4 << 20)
        var bytes = LogSegmentHeader(
            storeID: log.storeID, number: 1, incarnation: 1, firstSequence: 1, previousChecksum: 0,
            byteCount: UInt64(byteCount), milliseconds: 0
        ).bytes
        while bytes.count + LogRecordHeader.byteCount <= byteCount {
            // Each says that it has the rest of the segment.
            let body = UInt32(byteCount - bytes.count - LogRecordHeader.byteCount)
            for number in [0, body, 0, 0] { LittleEndian.append(number, to: &bytes) }
            // Number, incarnation, and the number that had reached the disk.
            for number in [3, 1, 2, 0] as [UInt64] { LittleEndian.append(number, to: &bytes) }
        }
        try Data(bytes).write(to: URL(fileURLWithPath: path + "/log/" + log.fileName(1)))
        var cursor = LogCursor(
            log,
            after: LogPosition(sequence: 1, segment: 1, offset: 4096, checksum: 0, changeCount: 0))
        let isDamaged = try cursor.isDamaged()
        #expect(isDamaged)
    }
}
