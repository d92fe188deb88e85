import CodexCore
import CodexStore
import CodexTesting
import Foundation
import TestSupport
import Testing

@Suite("Opening, closing and what can be wrong with a directory")
struct OpeningTests {
    /// A directory that goes with the test.
    final class Directory {
        let path: String
        init() throws { path = try TemporaryStore.makeDirectory() }
        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    let directory: Directory
    var path: String { directory.path + "/store" }

    init() throws { directory = try Directory() }

    func code(_ schema: Schema? = CodexFlow.schema, readOnly: Bool = false) -> CodexError.Code? {
        do throws(CodexError) {
            try Store(at: path, schema: schema, options: StoreOptions(isReadOnly: readOnly)).close()
            return nil
        } catch {
            return error.code
        }
    }

    /// Makes a store with one item; returns how many bytes of its data file are in use.
    @discardableResult
    func makeStore() throws -> Int {
        let store = try Store(at: path, schema: CodexFlow.schema)
        defer { store.close() }
        try store.write { try $0.put(SeedTests.user) }
        return try store.stats().fileByteCount
    }

    @Test("What was written is there after closing and opening, with or without the schema")
    func reopening() throws {
        try makeStore()
        for schema in [CodexFlow.schema, nil] {
            let store = try Store(at: path, schema: schema)
            #expect(try store.get(.user("123")) == SeedTests.user)
            store.close()
        }
        let store = try Store(at: path, options: StoreOptions(isReadOnly: true))
        #expect(try store.get(.user("123")) == SeedTests.user)
        #expect(throws: CodexError(.readOnly, "")) {
            try store.write { try $0.put(SeedTests.user) }
        }
        store.close()
    }

    @Test("Opening twice in one process is refused, however the path is spelled")
    func twice() throws {
        let store = try Store(at: path, schema: CodexFlow.schema)
        #expect(code() == .alreadyOpen)
        #expect(throws: CodexError(.alreadyOpen, "")) { try Store(at: path + "/../store//") }
        store.close()
        #expect(code() == nil)
    }

    @Test("After close everything throws closed; close may be called again")
    func closing() async throws {
        let store = try Store(at: path, schema: CodexFlow.schema)
        try await store.put(SeedTests.task)
        var results = store.results(of: .tasks(in: "456"), pageSize: 1).makeAsyncIterator()
        store.close()
        store.close()
        #expect(throws: CodexError(.closed, "")) { try store.get(.user("1")) }
        await #expect(throws: CodexError(.closed, "")) { try await store.put(SeedTests.user) }
        #expect(throws: CodexError(.closed, "")) { try store.write { try $0.put(SeedTests.user) } }
        await #expect(throws: CodexError(.closed, "")) { try await results.next() }
    }

    @Test("A store that nobody holds any more closes by itself")
    func dropping() throws {
        do { _ = try Store(at: path, schema: CodexFlow.schema) }
        // The writer's thread closes it; opening again succeeds once it has.
        let deadline = ContinuousClock.now + Hang.limit
        while code() == .alreadyOpen, ContinuousClock.now < deadline {}
        #expect(code() == nil)
    }

    @Test("Directories that are no stores are refused and left alone")
    func notAStore() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        try "mine".write(toFile: path + "/notes.txt", atomically: true, encoding: .utf8)
        #expect(code() == .notAStore)
        #expect(try FileManager.default.contentsOfDirectory(atPath: path) == ["notes.txt"])
        try FileManager.default.removeItem(atPath: path)
        try "a file".write(toFile: path, atomically: true, encoding: .utf8)
        #expect(code() == .notAStore)
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        #expect(code() == nil, "an empty directory may become a store")
    }

    @Test("What is not there is not made without a schema, nor read-only, nor in a missing parent")
    func absent() throws {
        #expect(code(nil) == .notFound)
        #expect(code(readOnly: true) == .notFound)
        #expect(throws: CodexError(.notFound, "")) {
            try Store(at: directory.path + "/no/store", schema: CodexFlow.schema)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
    }

    @Test("A newer format, a cut, overwritten or missing data file: named, and left as they are")
    func damage() throws {
        let used = try makeStore()
        let marker = path + "/CODEX"
        let data = path + "/data.mdb"
        let soundMarker = try Data(contentsOf: URL(fileURLWithPath: marker))
        let sound = try Data(contentsOf: URL(fileURLWithPath: data))
        func expect(_ expected: CodexError.Code, _ change: () throws -> Void) throws {
            try change()
            #expect(code() == expected)
            try soundMarker.write(to: URL(fileURLWithPath: marker))
            try sound.write(to: URL(fileURLWithPath: data))
        }
        try expect(.unsupportedFormat) {
            try "codex store\nformat 6\n".write(toFile: marker, atomically: true, encoding: .utf8)
        }
        try expect(.notAStore) {
            try "something else".write(toFile: marker, atomically: true, encoding: .utf8)
        }
        try expect(.notAStore) { try FileManager.default.removeItem(atPath: marker) }
        try expect(.corrupted) { try FileManager.default.removeItem(atPath: data) }
        for count in [0, 100, 4096, 8192, 16_384, used - 100, used - 1] {
            try expect(.corrupted) { try sound.prefix(count).write(to: URL(fileURLWithPath: data)) }
        }
        try expect(.corrupted) {
            try Data(repeating: 0xAA, count: sound.count).write(to: URL(fileURLWithPath: data))
        }
        #expect(code() == nil)
    }

    @Test("Damaged items are reported by reads and by verify, not died of")
    func damagedItems() throws {
        let store = try Store(at: path, schema: CodexFlow.schema.inLayout(.copies))
        try store.write { transaction in
            for number in 0..<50 {
                var task = SeedTests.task
                task.id = try .init("t\(number)")
                task.title = "MARKER-\(number)"
                try transaction.put(task)
            }
        }
        store.close()
        let url = URL(fileURLWithPath: path + "/data.mdb")
        var bytes = [UInt8](try Data(contentsOf: url))
        let marker = Array("MARKER-7".utf8)
        for index in 0..<(bytes.count - marker.count)
        where Array(bytes[index..<(index + marker.count)]) == marker {
            bytes[index] = 0xFF
        }
        try Data(bytes).write(to: url)
        let damaged = try Store(at: path)
        #expect(throws: CodexError(.corrupted, "")) { try damaged.get(.task("t7", in: "456")) }
        #expect(try damaged.get(.task("t8", in: "456")) != nil)
        // The log would have what no reader of it could decode.
        #expect(throws: CodexError(.corrupted, "")) {
            try damaged.write { try $0.delete(.task("t7", in: "456")) }
        }
        for condition: Condition in [.attributeExists("PK"), .attributeNotExists("title")] {
            for isCounted in [false, true] {
                #expect(throws: CodexError(.corrupted, "")) {
                    try damaged.write { transaction in
                        if isCounted {
                            transaction.memory = DecodedMemory(ask: { _ in true }) { _ in }
                        }
                        try transaction.delete(
                            in: CodexFlow.table, key: PrimaryKey("PROJECT#456", "TASK#t7"),
                            condition: condition)
                    }
                }
            }
        }
        let report = try damaged.verify()
        #expect(report.differences.contains { $0.kind == .unreadableItem })
        #expect(report.differences.contains { $0.kind == .unreadableEntry })
        damaged.close()
    }

    @Test("Verify reports whatever byte of the data is damaged, and dies of none")
    func verifyDamage() throws {
        let store = try Store(at: path, schema: CodexFlow.schema.inLayout(.copies))
        try store.write { transaction in
            for number in 0..<8 {
                var task = SeedTests.task
                task.id = try .init("t\(number)")
                task.estimate = 0
                try transaction.put(task)
            }
        }
        store.close()
        let url = URL(fileURLWithPath: path + "/data.mdb")
        let sound = [UInt8](try Data(contentsOf: url))
        // Items and entries end with text of their values: damage what lies around it, where the
        // encodings of items are (LMDB's own pages it trusts).
        let marker = Array("Implement login".utf8)
        let places = (0..<(sound.count - marker.count)).filter {
            sound[$0] == marker[0] && Array(sound[$0..<($0 + marker.count)]) == marker
        }
        #expect(places.count >= 16)
        for place in places.prefix(20) {
            for offset in [-3, -2, -1, 0] {
                var bytes = sound
                bytes[place + offset] ^= 0x0F
                try Data(bytes).write(to: url)
                let damaged = try Store(at: path)
                let report = try damaged.verify()
                #expect(report.itemCount == 8)
                damaged.close()
            }
        }
    }

    @Test("A missing page is an error, and the file stays as it is; the reserve may go")
    func missingPages() throws {
        let used = try makeStore()
        let url = URL(fileURLWithPath: path + "/data.mdb")
        // Behind the last page, only what is kept for a full disk stays.
        let sound = try Data(contentsOf: url)
        #expect(sound.count == used + (1 << 20))
        for missing in [1, 4095, 4096, 8192] {
            try sound.prefix(used - missing).write(to: url)
            #expect(code(readOnly: true) == .corrupted)
            #expect(code() == .corrupted)
            #expect(try Data(contentsOf: url).count == used - missing)
        }
        try sound.prefix(used).write(to: url)
        #expect(code(readOnly: true) == nil)
        let opened = try Store(at: path)
        #expect(try opened.get(.user("123")) == SeedTests.user)
        #expect(try opened.verify().isSound)
        opened.close()
    }

    @Test("A full disk is an error, and the store stays as it was")
    func fullDisk() throws {
        // A file system of its own, where the machine lets us have one.
        let mount = directory.path + "/small"
        try FileManager.default.createDirectory(atPath: mount, withIntermediateDirectories: false)
        guard Self.run("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", mount) else {
            print("skipped: this machine does not let the test mount a file system")
            return
        }
        defer { _ = Self.run("umount", "-l", mount) }
        let store = try Store(at: mount + "/store", schema: CodexFlow.schema)
        try store.write { try $0.put(SeedTests.user) }
        let before = try store.stats()
        var random = SystemRandomNumberGenerator()
        let noise = String(
            (0..<200_000).map { _ in
                Character(Unicode.Scalar(UInt8.random(in: 33...126, using: &random)))
            })
        var failure: CodexError.Code?
        for number in 0..<40 where failure == nil {
            do {
                try store.write { transaction in
                    var task = SeedTests.task
                    task.id = try .init("t\(number)")
                    task.body = noise
                    try transaction.put(task)
                }
            } catch let error as CodexError {
                failure = error.code
            }
        }
        #expect(failure == .diskFull)
        #expect(try store.get(.user("123")) == SeedTests.user)
        #expect(try store.verify().isSound)
        #expect(try store.stats().sequence >= before.sequence)
        store.close()
        let reopened = try Store(at: mount + "/store")
        #expect(try reopened.get(.user("123")) == SeedTests.user)
        #expect(try reopened.verify().isSound)
        reopened.close()
    }

    /// Two releases of one program: the newer has a field more, and before the older's.
    struct Older: Entity, Equatable {
        enum Field: Int, EntityField {
            case name
            var definition: FieldDefinition { .required("name", .string) }
        }
        static let definition = EntityDefinition(
            "e", table: "samples", keys: ["partition": "E#{name}"],
            fields: Field.allCases.map(\.definition))
        var name: String
        func item() throws(CodexError) -> Item {
            ["partition": .string("E#\(name)"), "name": .string(name)]
        }
        init(name: String) { self.name = name }
        init(reading reader: borrowing FieldReader) throws(CodexError) {
            name = try reader.string(Field.name)
        }
    }

    struct Newer: Entity, Equatable {
        enum Field: Int, EntityField {
            case more, name
            var definition: FieldDefinition {
                self == .name ? .required("name", .string) : .optional("more", .string)
            }
        }
        static let definition = EntityDefinition(
            "e", table: "samples", keys: ["partition": "E#{name}"],
            fields: Field.allCases.map(\.definition))
        var more: String?
        var name: String
        func item() throws(CodexError) -> Item {
            var item: Item = ["partition": .string("E#\(name)"), "name": .string(name)]
            item["more"] = more.map { .string($0) }
            return item
        }
        init(reading reader: borrowing FieldReader) throws(CodexError) {
            more = try reader.optionalString(Field.more)
            name = try reader.string(Field.name)
        }
    }

    @Test("Fields are the type's own, whatever the store's manifest says of them")
    func fieldOrder() throws {
        let store = try Store(at: path, schema: SampleTable.schema().adding(Older.self))
        try store.write { try $0.put(Older(name: "x")) }
        #expect(try store.get(Lookup<Newer>(partition: "E#x"))?.name == "x")
        #expect(try store.get(Lookup<Older>(partition: "E#x")) == Older(name: "x"))

        // What the older program does not know survives its changes.
        try store.write { transaction in
            try transaction.update(
                in: "samples", key: PrimaryKey("E#x"),
                Update().setting(Attribute<String>("more"), to: "kept"))
            try transaction.update(Lookup<Older>(partition: "E#x")) { _ in }
        }
        #expect(try store.get(Lookup<Newer>(partition: "E#x"))?.more == "kept")
        let stored = try #require(try store.stored(Lookup<Older>(partition: "E#x")))
        _ = try store.write { transaction in
            try transaction.replace(stored)
            try transaction.update(Lookup<Older>(partition: "E#x")) { $0.name = "y" }
        }
        #expect(try store.get(Lookup<Newer>(partition: "E#y"))?.more == "kept")
        #expect(try store.get(Lookup<Newer>(partition: "E#x")) == nil)
        // What it does know can be cleared.
        _ = try store.write { transaction in
            try transaction.update(Lookup<Newer>(partition: "E#y")) { $0.more = nil }
        }
        let item = try store.item(in: "samples", key: PrimaryKey("E#y"))
        #expect(item == ["partition": "E#y", "name": "y"])
        store.close()
    }

    @Test("A read-only file system: opening for writing is refused, for reading is not")
    func readOnlyFileSystem() throws {
        let mount = directory.path + "/small"
        try FileManager.default.createDirectory(atPath: mount, withIntermediateDirectories: false)
        guard Self.run("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", mount) else {
            print("skipped: this machine does not let the test mount a file system")
            return
        }
        defer { _ = Self.run("umount", "-l", mount) }
        let store = try Store(at: mount + "/store", schema: CodexFlow.schema)
        try store.write { try $0.put(SeedTests.user) }
        store.close()
        #expect(Self.run("mount", "-o", "remount,ro", mount))
        #expect(throws: CodexError(.notWritable, "")) { try Store(at: mount + "/store") }
        #expect(throws: CodexError(.notWritable, "")) {
            try Store(at: mount + "/new", schema: CodexFlow.schema)
        }
        let reading = try Store(at: mount + "/store", options: StoreOptions(isReadOnly: true))
        #expect(try reading.get(.user("123")) == SeedTests.user)
        reading.close()
    }

    static func run(_ arguments: String...) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
