import CodexCore
import Foundation
import TestSupport
import Testing

@testable import CodexStore

/// What a manifest says of schema versions: how it is stored, and what is refused.
@Suite("Versions in manifests")
struct ManifestVersionTests {
    private typealias Object = [String: Any]

    private func expectCorrupted(_ comment: Comment, _ body: () throws -> Void) {
        #expect(throws: CodexError(.corrupted, ""), comment) { try body() }
    }

    /// A manifest with versions 1 and 2 of an entity.
    private func raised() throws -> Manifest {
        var manifest = Manifest(schema: RollingOrder.schema(version: 1))
        let isRaised = try manifest.merge(RollingOrder.schema(version: 2))
        #expect(isRaised)
        return manifest
    }

    private func changed(_ change: (inout Object) -> Void) throws -> Manifest {
        var object = try #require(
            try JSONSerialization.jsonObject(with: Data(try raised().json())) as? Object)
        change(&object)
        return try Manifest(json: Array(try JSONSerialization.data(withJSONObject: object)))
    }

    /// A manifest whose migration of an entity has a member of another value.
    private func changed(_ member: String, to value: Any) throws -> Manifest {
        try changed { object in
            var evolution = object["evolution"] as? Object ?? [:]
            var migrations = evolution["migrations"] as? Object ?? [:]
            var migration = migrations["order"] as? Object ?? [:]
            migration[member] = value
            migrations["order"] = migration
            evolution["migrations"] = migrations
            object["evolution"] = evolution
        }
    }

    @Test("A manifest without other versions has none of the members")
    func absent() throws {
        for schema in [CodexFlow.schema, RollingOrder.schema(version: 3)] {
            let text = String(decoding: try Manifest(schema: schema).json(), as: UTF8.self)
            #expect(!text.contains("\"evolution\"") && !text.contains("\"unproven\""))
        }
    }

    @Test("A raised version is stored with what it changed, and read again")
    func stored() throws {
        var manifest = try raised()
        let migration = try #require(manifest.evolution?.migrations?["order"])
        #expect(migration.oldest == 1 && migration.sequence == 0)
        #expect(migration.changed == ["site": 2, "openSite": 2, "region": 2])
        _ = try manifest.merge(RollingOrder.schema(version: 3))
        let changed = manifest.evolution?.migrations?["order"]?.changed
        #expect(changed == ["site": 2, "openSite": 2, "region": 2, "note": 3, "remark": 3])
        let json = try manifest.json()
        let again = try Manifest(json: json)
        #expect(again.evolution == manifest.evolution)
        #expect(try again.json() == json)
        // Older programs change nothing.
        for version in 1...3 {
            let isChanged = try manifest.merge(RollingOrder.schema(version: version))
            #expect(!isChanged, "\(version)")
        }
    }

    @Test("A removed table takes its versions with it")
    func dropped() throws {
        var manifest = try raised()
        try manifest.drop("orders", at: 1)
        #expect(manifest.evolution == nil)
        let entries = try manifest.entries(generation: 1)
        #expect(entries.contains { EarlierWrites.isKey($0.key) && $0.value == nil })
    }

    @Test("Versions and commits out of range are refused")
    func numbers() throws {
        for (value, fits) in [(0, false), (1, true), (2, true), (3, false), (Int.max, false)] {
            for (member, change) in [("oldest", value as Any), ("changed", ["x": value] as Any)] {
                // A change has at least version 2.
                let isFit = fits && !(member == "changed" && value == 1)
                if isFit {
                    #expect(throws: Never.self, "\(member) \(value)") {
                        _ = try changed(member, to: change)
                    }
                } else {
                    expectCorrupted("\(member) \(value)") { _ = try changed(member, to: change) }
                }
            }
        }
        #expect(throws: Never.self) { _ = try changed("sequence", to: UInt64(1 << 62) - 1) }
        for value: UInt64 in [1 << 62, .max] {
            expectCorrupted("\(value)") { _ = try changed("sequence", to: value) }
        }
        for value in [-1, 0.5, "1"] as [Any] {
            expectCorrupted("\(value)") { _ = try changed("sequence", to: value) }
        }
    }

    @Test("A migration names a thousand attributes, and then says that any may have changed")
    func nameCount() throws {
        for count in [999, 1000, 1001] {
            let names = Set((0..<count).map { "n\($0)" })
            var migration = EntityMigration()
            migration.note(names, changedBy: 2)
            #expect(migration.changed?.count == (count <= 1000 ? count : nil))
            let last = migration.lastChange(of: ["other"], in: RollingOrder.V2.definition)
            #expect(last == (count <= 1000 ? 0 : 2))
            let changes = Dictionary(uniqueKeysWithValues: names.map { ($0, 2) })
            if count <= 1000 {
                #expect(throws: Never.self) { _ = try changed("changed", to: changes) }
            } else {
                expectCorrupted("\(count)") { _ = try changed("changed", to: changes) }
            }
        }
    }

    @Test("Entities that the schema does not have, and cases that no field has, are refused")
    func strangers() throws {
        expectCorrupted("an unknown entity") {
            _ = try changed { object in
                object["evolution"] = ["migrations": ["stranger": ["oldest": 1, "sequence": 0]]]
            }
        }
        for cases in [["order": ["state": [["x"]]]], ["stranger": ["state": [["x"]]]]] {
            expectCorrupted("\(cases)") {
                _ = try changed { $0["evolution"] = ["cases": cases] }
            }
        }
    }

    @Test("Parts that are unproven are parts of the table")
    func unproven() throws {
        for (parts, fits) in [
            ([], true), (["i1"], true), (["i1", "i2"], true), (["i1", "i1"], false),
            (["i9"], false), (["x"], false), ([""], false),
        ] as [([String], Bool)] {
            func read() throws {
                _ = try changed { object in
                    var tables = object["tables"] as? Object ?? [:]
                    var table = tables["orders"] as? Object ?? [:]
                    table["unproven"] = parts
                    tables["orders"] = table
                    object["tables"] = tables
                }
            }
            if fits {
                #expect(throws: Never.self, "\(parts)") { try read() }
            } else {
                expectCorrupted("\(parts)") { try read() }
            }
        }
    }

    @Test("The entry for the writes of older programs has 16 bytes, and versions and commits")
    func earlierWrites() throws {
        let writes = EarlierWrites(oldest: 3, sequence: 7)
        #expect(try EarlierWrites(writes.bytes) == writes)
        #expect(EarlierWrites.isKey(EarlierWrites.key(1)) && !EarlierWrites.isKey([1]))
        for (version, sequence, fits) in [
            (1, 0, true), (0, 0, false), ((1 << 53) - 1, (1 << 62) - 1, true),
            (1 << 53, 0, false), (1, 1 << 62, false), (.max, .max, false),
        ] as [(UInt64, UInt64, Bool)] {
            let bytes = BigEndian.bytes(version) + BigEndian.bytes(sequence)
            let isRead = (try? EarlierWrites(bytes)) != nil
            #expect(isRead == fits, "\(version) \(sequence)")
        }
        for count in [0, 15, 17] {
            expectCorrupted("\(count)") {
                _ = try EarlierWrites([UInt8](repeating: 1, count: count))
            }
        }
    }
}
