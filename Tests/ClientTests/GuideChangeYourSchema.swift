// The code of Docs/Guides/ChangeYourSchema.md.

import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

let kitchen = TableDefinition("kitchen", partitionKey: "PK")

/// The program's first release.
enum FirstRelease {
    struct Recipe: Codable, Entity, Equatable {
        static let definition = EntityDefinition(
            "recipe", table: "kitchen", keys: ["PK": "RECIPE#{id}"])

        var id: String
        var name: String
    }

    static let schema = Schema(tables: [kitchen], types: [Recipe.self])
}

/// The first release with one more optional field.
enum FirstReleaseWithServings {
    struct Recipe: Codable, Entity, Equatable {
        static let definition = EntityDefinition(
            "recipe", table: "kitchen", keys: ["PK": "RECIPE#{id}"])

        var id: String
        var name: String
        var servings: Int?
    }

    static let schema = Schema(tables: [kitchen], types: [Recipe.self])
}

/// The second release.
enum SecondRelease {
    struct Recipe: Codable, Entity, Equatable {
        static let definition = EntityDefinition(
            "recipe", table: "kitchen", schemaVersion: 2, keys: ["PK": "RECIPE#{id}"],
            derived: ["shelf": .template("{title}", when: cuisine != "unknown")])
        static let cuisine = Field<Self, String>("cuisine")

        var id: String
        var title: String
        var servings: Int?
        var cuisine: String

        static func upgrade(_ item: inout Item, from version: Int) throws(CodexError) {
            if version == 1 {
                guard let name = item["name"]?.string, !name.isEmpty else {
                    throw CodexError(.invalidItem, "A recipe needs a name.")
                }
                item["title"] = .string(name)
                item["name"] = nil
                item["cuisine"] = "unknown"
            }
        }
    }

    static let schema = Schema(tables: [shelves], types: [Recipe.self])
    static let shelves = TableDefinition(
        "kitchen", partitionKey: "PK",
        indexes: [IndexDefinition("byShelf", partitionKey: ["shelf"], entities: ["recipe"])])
}

@Suite("The guide: change your schema")
struct GuideChangeYourSchemaTests {
    @Test("A field is added, a version, an index and a counter")
    func evolution() async throws {
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = directory + "/kitchen.codex"
        try await makeFirstStore(at: path)
        try await addServings(at: path)

        typealias Recipe = SecondRelease.Recipe
        let secondSchema = SecondRelease.schema

        let store = try Store(at: path, schema: secondSchema)
        defer { store.close() }
        print(try store.get(Lookup<Recipe>(["id": "1"]))?.title ?? "no such recipe")
        let soup = Lookup<Recipe>(["id": "1"])
        #expect(
            try store.get(soup) == Recipe(id: "1", title: "Soup", servings: 4, cuisine: "unknown"))
        #expect(try store.stored(soup)?.schemaVersion == 1)

        try await store.waitUntilReady()
        do {
            let soups = try store.all(Query<Recipe>("byShelf", ["title": "Soup"]))
            print(soups.count, "soups")
        } catch CodexError.Code.migrationPending {
            print(try store.itemsAwaitingMigration(of: Recipe.self), "recipes await the migration")
        }
        #expect(throws: CodexError(.migrationPending, "")) {
            try store.all(Query<Recipe>("byShelf", ["title": "Soup"]))
        }
        #expect(try store.itemsAwaitingMigration(of: Recipe.self) == 2)

        let report = try await store.migrate(Recipe.self)
        print(report.migratedCount, "of", report.examinedCount, "complete:", report.isComplete)
        for failure in report.failures { print(failure.error) }
        #expect(report.migratedCount == 2)
        #expect(report.failureCount == 0 && report.isComplete)
        #expect(try store.stored(soup)?.schemaVersion == 2)
        #expect(try store.all(Query<Recipe>("byShelf", ["title": "Soup"])).isEmpty)
        try await addParts(to: store)
    }

    private func addParts(to store: Store) async throws {
        typealias Recipe = SecondRelease.Recipe
        let byCuisine = IndexDefinition("byCuisine", partitionKey: ["cuisine"])
        try await store.addIndex(byCuisine, to: "kitchen")
        let perCuisine = CounterDefinition("perCuisine", group: ["cuisine"])
        try await store.addCounter(perCuisine, to: "kitchen")
        try await store.waitUntilReady()
        print(try store.total(of: "perCuisine", in: "kitchen", group: ["unknown"]).count)
        #expect(try store.count(Query<Recipe>("byCuisine", ["cuisine": "unknown"])) == 2)
        #expect(try store.total(of: "perCuisine", in: "kitchen", group: ["unknown"]).count == 2)

        try await store.put(Recipe(id: "3", title: "Soup", cuisine: "French"))
        #expect(try store.count(Query<Recipe>("byShelf", ["title": "Soup"])) == 1)
        let byTitle = IndexDefinition("byTitle", partitionKey: ["title"], isUnique: true)
        do {
            try await store.addIndex(byTitle, to: "kitchen")
            try await store.waitUntilReady()
        } catch CodexError.Code.indexNotReady {
            for key in try store.duplicates(ofIndex: "byTitle", in: "kitchen") {
                try await store.update(Lookup<Recipe>(.primaryKey(key))) { $0.title += " (2)" }
            }
            try await store.waitUntilReady()
        }
        #expect(try store.count(Query<Recipe>("byTitle", ["title": "Soup"])) == 1)
        #expect(try store.count(Query<Recipe>("byTitle", ["title": "Soup (2)"])) == 1)

        try await store.removeIndex("byCuisine", from: "kitchen")
        let byCuisineAndTitle = IndexDefinition(
            "byCuisine", partitionKey: ["cuisine"], sortKey: ["title"])
        try await store.addIndex(byCuisineAndTitle, to: "kitchen")
        try await store.waitUntilReady()
        #expect(try store.count(Query<Recipe>("byCuisine", ["cuisine": "French"])) == 1)

        try await store.changeLayout(ofIndex: "byCuisine", in: "kitchen", to: .copies)
        for status in try store.buildStatus() where status.nextLayout != nil {
            print(status.name, "is ready:", status.state == .ready)
        }
        try await store.waitUntilReady()
        let status = try store.buildStatus().first { $0.name == "byCuisine" }
        #expect(status?.layout == .copies && status?.nextLayout == nil)
        #expect(try store.count(Query<Recipe>("byCuisine", ["cuisine": "French"])) == 1)
        #expect(try store.verify().isSound)
    }

    @Test("A program of an earlier release goes on with the items that it knows")
    func earlierRelease() async throws {
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = directory + "/kitchen.codex"
        try await makeFirstStore(at: path)
        let newer = try Store(at: path, schema: SecondRelease.schema)
        let first = Lookup<SecondRelease.Recipe>(["id": "1"])
        try await newer.update(first) { $0.cuisine = "French" }
        newer.close()

        typealias Recipe = FirstRelease.Recipe
        let store = try Store(at: path, schema: FirstRelease.schema)
        do {
            print(try store.get(Lookup<Recipe>(["id": "1"]))?.name ?? "no such recipe")
        } catch CodexError.Code.programTooOld {
            print("A later release has stored this recipe: update this program.")
        }
        #expect(throws: CodexError(.programTooOld, "")) {
            try store.get(Lookup<Recipe>(["id": "1"]))
        }
        #expect(try store.get(Lookup<Recipe>(["id": "2"]))?.name == "Bread")
        try await store.put(Recipe(id: "3", name: "Cake"))
        await #expect(throws: CodexError(.programTooOld, "")) {
            try await store.put(Recipe(id: "1", name: "Stew"))
        }
        store.close()

        let again = try Store(at: path, schema: SecondRelease.schema)
        defer { again.close() }
        #expect(try await again.migrate(SecondRelease.Recipe.self).migratedCount == 2)
        let titles = try again.all(of: SecondRelease.Recipe.self).map(\.title)
        #expect(titles == ["Soup", "Bread", "Cake"])
        #expect(try again.verify().isSound)
    }

    @Test("An item that the upgrade refuses is passed over, corrected and migrated")
    func refusedItem() async throws {
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = directory + "/kitchen.codex"
        let first = try Store(at: path, schema: FirstRelease.schema)
        try await first.put(FirstRelease.Recipe(id: "1", name: "Soup"))
        try await first.put(FirstRelease.Recipe(id: "2", name: ""))
        first.close()

        typealias Recipe = SecondRelease.Recipe
        let store = try Store(at: path, schema: SecondRelease.schema)
        defer { store.close() }
        let readable = try store.all(of: Recipe.self) { error in
            print(error.code, error.entity ?? "", error.itemIndex ?? 0)  // error.key is the item's
        }
        #expect(readable.map(\.title) == ["Soup"])
        var errors: [CodexError] = []
        _ = try store.all(of: Recipe.self) { errors.append($0) }
        #expect(errors.map(\.code) == [.invalidItem])
        #expect(errors.map(\.entity) == ["recipe"])
        #expect(errors.map(\.key) == [PrimaryKey("RECIPE#2")])
        #expect(throws: CodexError(.invalidItem, "")) { try store.all(of: Recipe.self) }
        #expect(throws: CodexError(.invalidItem, "")) {
            try store.get(Lookup<Recipe>(["id": "2"]))
        }

        let report = try await store.migrate(Recipe.self)
        let correction = Update().setting(Attribute<String>("name"), to: "Untitled")
        for failure in report.failures {
            try await store.update(in: "kitchen", key: failure.key, correction)
        }
        #expect(report.failureCount == 1 && !report.isComplete)
        print(try await store.migrate(Recipe.self).isComplete)
        #expect(try await store.migrate(Recipe.self).isComplete)
        #expect(try store.get(Lookup<Recipe>(["id": "2"]))?.title == "Untitled")
        #expect(try store.verify().isSound)
    }

    @Test("What no version may change is refused")
    func refusals() async throws {
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = directory + "/kitchen.codex"
        try await makeFirstStore(at: path)
        let otherKey = TableDefinition("kitchen", partitionKey: "id")
        #expect(throws: CodexError(.schemaMismatch, "")) {
            try Store(at: path, schema: Schema(tables: [otherKey]))
        }
    }

    private func makeFirstStore(at path: String) async throws {
        typealias Recipe = FirstRelease.Recipe
        let store = try Store(at: path, schema: FirstRelease.schema)
        defer { store.close() }
        try await store.put(Recipe(id: "1", name: "Soup"))
        try await store.put(Recipe(id: "2", name: "Bread"))
    }

    private func addServings(at path: String) async throws {
        typealias Recipe = FirstReleaseWithServings.Recipe
        let store = try Store(at: path, schema: FirstReleaseWithServings.schema)
        defer { store.close() }
        let soup = Lookup<Recipe>(["id": "1"])
        #expect(try store.get(soup)?.servings == nil)
        try await store.update(soup) { $0.servings = 4 }
        // The program before keeps what it does not know.
        let before = Lookup<FirstRelease.Recipe>(["id": "1"])
        try await store.update(before) { $0.name = "Soup" }
        let plain = try #require(try store.item(in: "kitchen", key: PrimaryKey("RECIPE#1")))
        #expect(plain["servings"] == 4)
    }
}
