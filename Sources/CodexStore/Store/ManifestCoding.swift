internal import CodexCore
internal import FoundationEssentials

/// The stored form of a manifest, which is JSON, and the checks when it is read.
enum ManifestCoding {
    /// Reads a manifest of this release's format or an earlier one.
    ///
    /// - Throws: ``CodexError/Code/unsupportedFormat``, ``CodexError/Code/corrupted``.
    static func manifest(_ json: [UInt8]) throws(CodexError) -> Manifest {
        do {
            struct Version: Decodable { let format: Int }
            let stored = try JSONDecoder().decode(Version.self, from: Data(json)).format
            guard stored <= StoreFormat.current else {
                throw CodexError(
                    .unsupportedFormat,
                    "The store has format \(stored); this release reads up to "
                        + "\(StoreFormat.current). Use a newer release.")
            }
            var manifest = try JSONDecoder().decode(Manifest.self, from: Data(json))
            if stored < StoreFormat.tagged {
                for name in manifest.tables.keys { manifest.tables[name]?.undecided = .unread }
            }
            manifest.schema = manifest.schema.spelledByKeys
            try validate(manifest)
            return manifest
        } catch let error as CodexError where error.code == .unsupportedFormat {
            throw error
        } catch {
            throw CodexError(
                .corrupted, "The store's manifest cannot be read. Restore from a backup.",
                cause: error)
        }
    }

    /// A manifest or a part of one, as JSON with sorted keys.
    static func encoded(_ value: some Encodable) throws(CodexError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(value))
        } catch {
            throw CodexError(.invalidSchema, "The schema cannot be stored.", cause: error)
        }
    }

    /// Checks the invariants on which the store relies: each name and number is there once.
    private static func validate(_ manifest: Manifest) throws(CodexError) {
        let (schema, tables, entities) = (manifest.schema, manifest.tables, manifest.entities)
        let dropped = manifest.dropped ?? []
        try schema.validate()
        let numbers = tables.mapValues(\.number)
        try requireNumbers(schema.tables.map(\.name), numbers)
        // Numbers of removed tables count too: the next number is one higher, and the log uses them
        // all.
        let gone = dropped.map(\.number) + (manifest.lastNumber.map { [$0] } ?? [])
        guard gone.allSatisfy({ (0...ManifestNumbers.max).contains($0) }) else {
            throw Wire.corrupted("the manifest's numbers")
        }
        let retired = tables.values.flatMap { $0.retired ?? [] } + dropped.flatMap(\.trees)
        let slots = tables.values.compactMap(\.slot) + dropped.map(\.slot)
        guard retired.allSatisfy({ isPart($0.part) }),
            slots.allSatisfy({ (1...ManifestNumbers.max).contains($0) })
        else { throw Wire.corrupted("the manifest's numbers") }
        try requireNumbers(schema.entities.map(\.name), entities)
        guard manifest.evolution?.fits(schema) ?? true else {
            throw Wire.corrupted("the manifest's versions")
        }
        for table in schema.tables {
            let entry = tables[table.name]
            try requireNumbers(table.maintainedIndexes.map(\.name), entry?.indexes ?? [:])
            try requireNumbers(table.counters.map(\.name), entry?.counters ?? [:])
            let unproven = entry?.unproven ?? []
            guard Set(unproven).count == unproven.count,
                entry?.parts.isSuperset(of: unproven) ?? true
            else { throw Wire.corrupted("the manifest's unique indexes") }
            if let entry { try requireLayouts(table, entry) }
        }
    }

    /// Throws unless each layout is of an index, and each tree that will replace another has its
    /// own number, and the other layout.
    ///
    /// Indexes of keys only always refer.
    private static func requireLayouts(
        _ table: TableDefinition, _ entry: Manifest.Table
    ) throws(CodexError) {
        let indexes = table.indexes.filter { $0.projection != .keysOnly }
        let parts = indexes.compactMap { index in
            entry.indexes[index.name].map { PartKind.index.part($0) }
        }
        var numbers = Set(entry.indexes.values)
        let isSound = (entry.relayouts ?? [:]).allSatisfy { name, relayout in
            guard let index = indexes.first(where: { $0.name == name }) else { return false }
            return (1...ManifestNumbers.max).contains(relayout.number)
                && numbers.insert(relayout.number).inserted
                && relayout.layout != entry.layout(of: index)
        }
        guard isSound, Set(parts).isSuperset(of: (entry.layouts ?? [:]).keys) else {
            throw Wire.corrupted("the manifest's layouts")
        }
    }

    /// Throws unless each name has a number, and all numbers differ.
    private static func requireNumbers(
        _ names: [String], _ numbers: [String: Int]
    ) throws(CodexError) {
        guard names.allSatisfy({ numbers[$0] != nil }),
            Set(numbers.values).count == numbers.count,
            numbers.values.allSatisfy({ (1...ManifestNumbers.max).contains($0) })
        else { throw Wire.corrupted("the manifest's numbers") }
    }

    /// Whether a tree's name may end with `name`, after its table's name.
    private static func isPart(_ name: String) -> Bool {
        name.isEmpty || (name.hasPrefix("i") || name.hasPrefix("c")) && Int(name.dropFirst()) != nil
    }
}
