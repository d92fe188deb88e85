extension Schema {
    /// Checks that no two entities of a table can have the same primary key.
    ///
    /// The values of two entities under one key would replace each other, or the second one would
    /// be refused.
    ///
    /// - Parameter stored: The schema that the store has already; `nil` for a new store.
    /// - Returns: Descriptions of the pairs that `stored` has. They are not refused, so that the
    ///   store can be opened.
    /// - Throws: ``CodexError/Code/invalidSchema`` for any other pair.
    /// - Complexity: O(*n*²) for *n* entities.
    package func requireDistinctKeys(since stored: Schema?) throws(CodexError) -> [String] {
        var warnings: [String] = []
        for (place, entity) in entities.enumerated() {
            for other in entities[..<place] where entity.overlaps(other, in: tables) {
                let text = Self.overlap(entity, other, tables.first { $0.name == entity.table })
                let names = Set((stored?.entities ?? []).map(\.name))
                guard names.contains(entity.name), names.contains(other.name) else {
                    throw CodexError(
                        .invalidSchema,
                        text + " Give one of their templates other text, such as "
                            + "\(entity.name.uppercased())#{…}."
                    ).inEntity(entity.name)
                }
                warnings.append(text)
            }
        }
        return warnings
    }

    private static func overlap(
        _ entity: EntityDefinition, _ other: EntityDefinition, _ table: TableDefinition?
    ) -> String {
        func templates(_ entity: EntityDefinition) -> String {
            let names = table?.keyAttributes.map(\.name) ?? []
            return names.compactMap { entity.keys[$0]?.source }.joined(separator: " / ")
        }
        return "Entities \(other.name) and \(entity.name) of table \(entity.table) can have the "
            + "same key: \(templates(other)) and \(templates(entity))."
    }
}

extension EntityDefinition {
    /// Whether an item of this entity and one of another can have the same primary key.
    fileprivate func overlaps(_ other: EntityDefinition, in tables: [TableDefinition]) -> Bool {
        guard table == other.table, let table = tables.first(where: { $0.name == table }) else {
            return false
        }
        return table.keyAttributes.allSatisfy { key in
            guard let template = keys[key.name], let otherTemplate = other.keys[key.name] else {
                return false
            }
            return template.overlaps(otherTemplate)
        }
    }
}
