internal import CodexCore
internal import FoundationEssentials

/// What a store knows about itself: its identity, its schema, and the numbers under which things
/// are stored.
///
/// Kept as JSON in the `meta` database.
struct Manifest: Codable {
    struct Table: Codable {
        let number: Int
        var indexes: [String: Int]
    }

    /// The format of everything in the store.
    ///
    /// Raised when an older release could not read it.
    static let currentFormat = 1
    static let key = Array("manifest".utf8)

    let format: Int
    let storeID: UUID
    var schema: Schema
    var tables: [String: Table] = [:]
    var entities: [String: Int] = [:]

    /// A new store's manifest.
    init(schema: Schema) {
        format = Self.currentFormat
        storeID = UUID()
        self.schema = schema
        assignNumbers()
    }

    /// Takes over additions; returns whether there were any.
    mutating func merge(_ requested: Schema) throws(CodexError) -> Bool {
        let merged = try schema.merging(requested)
        guard merged != schema else { return false }
        schema = merged
        assignNumbers()
        return true
    }

    private mutating func assignNumbers() {
        for table in schema.tables {
            let next = (self.tables.values.map(\.number).max() ?? 0) + 1
            var entry = tables[table.name] ?? Table(number: next, indexes: [:])
            for index in table.indexes where entry.indexes[index.name] == nil {
                entry.indexes[index.name] = (entry.indexes.values.max() ?? 0) + 1
            }
            tables[table.name] = entry
        }
        for entity in schema.entities where entities[entity.name] == nil {
            entities[entity.name] = (entities.values.max() ?? 0) + 1
        }
    }

    init(json: [UInt8]) throws(CodexError) {
        do {
            self = try JSONDecoder().decode(Manifest.self, from: Data(json))
            if format <= Self.currentFormat { try validate() }
        } catch {
            throw CodexError(
                .corrupted, "The store's manifest cannot be read. Restore from a backup.",
                cause: error)
        }
    }

    /// Checks what the rest of the store relies on: names and numbers that are there once each.
    private func validate() throws(CodexError) {
        try schema.validate()
        func requireNumbers(_ names: [String], _ numbers: [String: Int]) throws(CodexError) {
            let used = names.compactMap { numbers[$0] }
            guard used.count == names.count, Set(used).count == used.count,
                numbers.values.allSatisfy({ (1...1_000_000).contains($0) })
            else { throw Wire.corrupted("the manifest's numbers") }
        }
        try requireNumbers(schema.tables.map(\.name), tables.mapValues(\.number))
        try requireNumbers(schema.entities.map(\.name), entities)
        for table in schema.tables {
            try requireNumbers(table.indexes.map(\.name), tables[table.name]?.indexes ?? [:])
        }
    }

    func json() throws(CodexError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(self))
        } catch {
            throw CodexError(.invalidSchema, "The schema cannot be stored.", cause: error)
        }
    }
}
