import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

/// Whether a store takes an entity in place of the stored one, without a write.
@Suite("Checks of replacements")
struct ReplacementCheckTests {
    /// A note, which is found by a place.
    private struct Note: Codable, Entity, Hashable {
        static let definition = EntityDefinition(
            "note", table: "main",
            keys: ["PK": "NOTE#{id}", "SK": "NOTE", "placeKey": "PLACE#{place}"])

        var id: String
        var place: String?
        var text = ""
    }

    private static let schema = Schema(
        tables: [
            TableDefinition(
                "main", partitionKey: KeyAttribute("PK"), sortKey: KeyAttribute("SK"),
                indexes: [
                    IndexDefinition("byPlace", partitionKey: [KeyAttribute("placeKey")])
                ])
        ],
        types: [Note.self])

    /// Undoes a write.
    private struct Undo: Error {}

    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    init() throws { temporary = try TemporaryStore(schema: Self.schema) }

    /// Whether the store takes a note, and whether it says so before.
    private func isTaken(_ note: Note) async throws -> (told: Bool, taken: Bool) {
        let told = try await store.write { $0.reader.takes(note) }
        do {
            try await store.write { transaction in
                try transaction.overwrite(note)
                throw Undo()
            }
        } catch is Undo {
            return (told, true)
        } catch is CodexError {
            return (told, false)
        }
        return (told, false)
    }

    @Test(
        "The size counts with the attributes that stay", arguments: [0, 1000, 100_000],
        [-1, 0, 1])
    func sizes(unknownByteCount: Int, offset: Int) async throws {
        let unknown: Item = [
            "PK": "NOTE#a", "SK": "NOTE", "id": "a", "text": "",
            "unknown": .string(String(repeating: "u", count: unknownByteCount)),
        ]
        try await store.put(unknown, in: "main")
        let count = DynamoDBLimits.itemByteCountMax - unknown.byteCount + offset
        let note = Note(id: "a", text: String(repeating: "t", count: count))
        let (told, taken) = try await isTaken(note)
        #expect(told == (offset <= 0) && taken == told)
        #expect(try store.item(in: "main", key: PrimaryKey("NOTE#a", "NOTE")) == unknown)
    }

    @Test("The keys of indexes count, of new entities too", arguments: [-1, 0, 1])
    func keys(offset: Int) async throws {
        let count = DynamoDBLimits.partitionKeyByteCountMax - "PLACE#".utf8.count + offset
        let place = String(repeating: "p", count: count)
        let (told, taken) = try await isTaken(Note(id: "new", place: place))
        #expect(told == (offset <= 0) && taken == told)
        #expect(try store.get(Lookup<Note>(["id": "new"])) == nil)
    }
}
