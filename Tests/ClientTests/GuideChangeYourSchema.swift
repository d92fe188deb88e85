// The code of Docs/Guides/ChangeYourSchema.md.

import CodexCore
import CodexStore
import CodexTesting
import Foundation
import Testing

let kitchen = TableDefinition("kitchen", partitionKey: KeyAttribute("PK"))

/// The program's first release.
enum FirstRelease {
    struct Recipe: Codable, Entity, Equatable {
        static let definition = EntityDefinition(
            "recipe", table: "kitchen", keys: ["PK": "RECIPE#{id}"])

        var id: String
        var name: String
    }
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
}

/// The second release.
enum SecondRelease {
    struct Recipe: Codable, Entity, Equatable {
        static let definition = EntityDefinition(
            "recipe", table: "kitchen", schemaVersion: 2, keys: ["PK": "RECIPE#{id}"])

        var id: String
        var title: String
        var servings: Int?
        var cuisine: String

        static func upgrade(_ item: inout Item, from version: Int) throws(CodexError) {
            if version == 1 {
                item["title"] = item["name"]
                item["name"] = nil
                item["cuisine"] = "unknown"
            }
        }
    }

    static func recipe(_ id: String) -> Lookup<Recipe> {
        Lookup(partition: .string("RECIPE#\(id)"))
    }
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
        let recipe = SecondRelease.recipe

        let store = try Store(at: path, schema: Schema(tables: [kitchen]).adding(Recipe.self))
        defer { store.close() }
        print(try store.get(recipe("1"))?.title ?? "no such recipe")
        #expect(
            try store.get(recipe("1"))
                == Recipe(id: "1", title: "Soup", servings: 4, cuisine: "unknown"))
        #expect(try store.stored(recipe("1"))?.schemaVersion == 1)

        let report = try await store.migrate(Recipe.self)
        print(report.migratedCount, "of", report.examinedCount)
        for failure in report.failures { print(failure.error) }
        #expect(report.migratedCount == 2)
        #expect(report.failureCount == 0)
        #expect(try store.stored(recipe("1"))?.schemaVersion == 2)

        let byCuisine = IndexDefinition("byCuisine", partitionKey: [KeyAttribute("cuisine")])
        try await store.addIndex(byCuisine, to: "kitchen")
        let perCuisine = CounterDefinition("perCuisine", group: [KeyAttribute("cuisine")])
        try await store.addCounter(perCuisine, to: "kitchen")
        try await store.waitUntilReady()
        print(try store.total(of: "perCuisine", in: "kitchen", group: ["unknown"]).count)
        #expect(try store.count(Query<Recipe>(partition: "unknown", index: "byCuisine")) == 2)
        #expect(try store.total(of: "perCuisine", in: "kitchen", group: ["unknown"]).count == 2)

        try await store.put(Recipe(id: "3", title: "Soup", cuisine: "French"))
        let byTitle = IndexDefinition(
            "byTitle", partitionKey: [KeyAttribute("title")], isUnique: true)
        do {
            try await store.addIndex(byTitle, to: "kitchen")
            try await store.waitUntilReady()
        } catch CodexError.Code.indexNotReady {
            for key in try store.duplicates(ofIndex: "byTitle", in: "kitchen") {
                try await store.update(Lookup<Recipe>(.primaryKey(key))) { $0.title += " (2)" }
            }
            try await store.waitUntilReady()
        }
        #expect(try store.count(Query<Recipe>(partition: "Soup", index: "byTitle")) == 1)
        #expect(try store.count(Query<Recipe>(partition: "Soup (2)", index: "byTitle")) == 1)

        try await store.removeIndex("byCuisine", from: "kitchen")
        let byCuisineAndTitle = IndexDefinition(
            "byCuisine", partitionKey: [KeyAttribute("cuisine")], sortKey: [KeyAttribute("title")])
        try await store.addIndex(byCuisineAndTitle, to: "kitchen")
        try await store.waitUntilReady()
        #expect(try store.count(Query<Recipe>(partition: "French", index: "byCuisine")) == 1)
        #expect(try store.verify().isSound)
    }

    @Test("A program of an earlier release is refused")
    func earlierRelease() async throws {
        let directory = try TemporaryStore.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = directory + "/kitchen.codex"
        try await makeFirstStore(at: path)
        let later = Schema(tables: [kitchen]).adding(SecondRelease.Recipe.self)
        let store = try Store(at: path, schema: later)
        #expect(throws: CodexError(.schemaMismatch, "")) {
            try store.get(Lookup<FirstRelease.Recipe>(partition: "RECIPE#1"))
        }
        store.close()
        let earlier = Schema(tables: [kitchen]).adding(FirstRelease.Recipe.self)
        #expect(throws: CodexError(.schemaMismatch, "")) { try Store(at: path, schema: earlier) }
        let otherKey = TableDefinition("kitchen", partitionKey: KeyAttribute("id"))
        #expect(throws: CodexError(.schemaMismatch, "")) {
            try Store(at: path, schema: Schema(tables: [otherKey]))
        }
    }

    private func makeFirstStore(at path: String) async throws {
        typealias Recipe = FirstRelease.Recipe
        let store = try Store(at: path, schema: Schema(tables: [kitchen]).adding(Recipe.self))
        defer { store.close() }
        try await store.put(Recipe(id: "1", name: "Soup"))
        try await store.put(Recipe(id: "2", name: "Bread"))
    }

    private func addServings(at path: String) async throws {
        typealias Recipe = FirstReleaseWithServings.Recipe
        let store = try Store(at: path, schema: Schema(tables: [kitchen]).adding(Recipe.self))
        defer { store.close() }
        let soup = Lookup<Recipe>(partition: "RECIPE#1")
        #expect(try store.get(soup)?.servings == nil)
        try await store.update(soup) { $0.servings = 4 }
        // The program before keeps what it does not know.
        let before = Lookup<FirstRelease.Recipe>(partition: "RECIPE#1")
        try await store.update(before) { $0.name = "Soup" }
        let plain = try #require(try store.item(in: "kitchen", key: PrimaryKey("RECIPE#1")))
        #expect(plain["servings"] == 4)
    }
}
