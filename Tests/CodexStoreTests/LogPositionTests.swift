import CodexCore
import CodexTesting
import Foundation
import TestSupport
import Testing

@testable import CodexStore

/// Where the data file has the position in the log, in this format and after earlier ones.
@Suite("The position in the log")
struct LogPositionTests {
    private enum Place { case besideRoots, meta }

    private func places(_ transaction: Transaction, _ meta: DatabaseID) throws -> Set<Place> {
        var places: Set<Place> = []
        if try transaction.get(DatabaseID.unnamed, LogPosition.key) != nil {
            places.insert(.besideRoots)
        }
        if try transaction.get(meta, LogPosition.key) != nil { places.insert(.meta) }
        return places
    }

    /// The places in the newest state of a store that is not open.
    private func places(_ path: String) throws -> Set<Place> {
        let environment = try Environment(try Directory(path), readOnly: true, flushes: true)
        defer { environment.close() }
        let transaction = try environment.begin(readOnly: true)
        defer { transaction.abort() }
        let meta = try #require(try transaction.open(Catalog.metaName, create: false))
        return try places(transaction, meta)
    }

    @Test("Each commit stores it beside the roots of the trees alone, which is no database")
    func stored() async throws {
        let temporary = try TemporaryStore(schema: AgentTable.schema())
        let (store, core) = (temporary.store, temporary.store.core)
        func expectPlace(_ sequence: UInt64) throws {
            try core.withReadContext { (context) throws in
                #expect(try places(context.transaction, context.catalog.meta) == [.besideRoots])
                #expect(try context.storedPosition().sequence == sequence)
            }
        }
        let first = try store.stats().sequence
        for number in 0..<3 {
            try expectPlace(first + UInt64(number))
            try await store.put(["p": "p", "s": .string("\(number)")], in: "t")
        }
        try expectPlace(first + 3)
        let names = try core.withSchemaLock { () throws(CodexError) in
            try core.environment.databaseNames()
        }
        #expect(names.contains(Catalog.metaName))
        #expect(!names.contains(String(decoding: LogPosition.key, as: UTF8.self)))
        try await store.compact()
        try expectPlace(first + 3)
        try await store.put(["p": "p", "s": "3"], in: "t")
        try expectPlace(first + 4)
    }

    @Test("It is looked for beside the roots first, and then in the place of formats before 5")
    func found() throws {
        let path = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let environment = try Environment(
            try Directory(path), readOnly: false, flushes: true, mapByteCount: 1 << 30)
        defer { environment.close() }
        let transaction = try environment.begin(readOnly: false)
        defer { transaction.abort() }
        let meta = try #require(try transaction.open(Catalog.metaName, create: true))
        let old = LogPosition(
            sequence: 1, segment: 1, offset: 4096, checksum: 0, changeCount: 0)
        var new = old
        new.sequence = 2
        #expect(try LogPosition.bytesIfStored(transaction, meta) == nil)
        #expect(throws: CodexError(.corrupted, "")) { try LogPosition(transaction, meta) }
        try transaction.put(meta, LogPosition.key, old.bytes)
        #expect(try LogPosition(transaction, meta) == old)
        try LogPosition.put(new.bytes, transaction, meta)
        #expect(try places(transaction, meta) == [.besideRoots])
        #expect(try LogPosition(transaction, meta) == new)
        try transaction.put(meta, LogPosition.key, old.bytes)
        #expect(try LogPosition(transaction, meta) == new)
    }

    @Test(
        "An opening for writing moves it out of the database that formats before 5 have it in",
        arguments: ["format3", "format4"])
    func moved(format: String) async throws {
        let fixture = try FormatFixture(format)
        for part in ["store", "unclosed"] {
            let path = fixture.path(part)
            #expect(try places(path) == [.meta])
            let store = try Store(at: path, options: fixture.options)
            let sequence = try store.stats().sequence
            store.close()
            #expect(try places(path) == [.besideRoots])
            let again = try Store(at: path, options: fixture.options)
            #expect(again.recovery?.commitCount == 0)
            #expect(try again.stats().sequence >= sequence)
            again.close()
        }
        let path = fixture.path("restored")
        try await Store.restore(fixture.path("backup"), at: path)
        #expect(try places(path) == [.besideRoots])
    }

    @Test(
        "A reader finds it after a kill between marker and manifest",
        arguments: ["format3", "format4"])
    func between(format: String) throws {
        let fixture = try FormatFixture(format)
        let path = fixture.path("store")
        try StoreDirectory.raiseMarker(try Directory(path))
        let position = try ClosedStore.position(in: try Directory(path))
        var options = fixture.options
        options.isReadOnly = true
        let reader = try Store(at: path, options: options)
        defer { reader.close() }
        try reader.core.withReadContext { (context) throws in
            #expect(try context.storedPosition() == position)
            #expect(try places(context.transaction, context.catalog.meta) == [.meta])
        }
    }

    @Test(
        "A kill after each commit of an upgrade leaves one that a recovery finds",
        arguments: ["format3", "format4"])
    func killed(format: String) async throws {
        let fixture = try FormatFixture(format)
        let path = fixture.path("unclosed")
        var options = fixture.options
        options.checkpoints.interval = .seconds(3600)
        let store = try Store(at: path, options: options)
        try await store.waitUntilReady()
        for number in 0..<3 {
            // The copy is what a killed process would leave.
            try FileManager.default.copyItem(
                atPath: path, toPath: fixture.path("killed \(number)"))
            try await store.put(["p": "killed", "s": .string("\(number)")], in: "t")
        }
        store.close()
        for number in 0..<3 {
            let path = fixture.path("killed \(number)")
            let store = try Store(at: path, options: fixture.options)
            let query = TableQuery(table: "t", partition: ["killed"])
            #expect(try store.items(matching: query).items.count == number)
            let report = try store.verify()
            #expect(report.isSound, "\(report.differences.prefix(3))")
            store.close()
            #expect(try places(path) == [.besideRoots])
        }
    }
}
