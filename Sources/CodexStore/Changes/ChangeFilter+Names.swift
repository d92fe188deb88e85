internal import CodexCore

extension ChangeFilter {
    /// Whether the store has, or had, all tables and entities that the filter names.
    fileprivate func isKnown(_ manifest: Manifest) -> Bool {
        unknownTables(manifest).isEmpty && unknownEntities(manifest).isEmpty
    }

    private func unknownTables(_ manifest: Manifest) -> [String] {
        (tables ?? []).sorted().filter { name in
            manifest.tables[name] == nil
                && manifest.dropped?.contains { $0.definition.name == name } != true
        }
    }

    private func unknownEntities(_ manifest: Manifest) -> [String] {
        // Entities of removed tables are among them.
        (entities ?? []).sorted().filter { manifest.entities[$0] == nil }
    }

    /// Checks that the store has, or had, all tables and entities that the filter names.
    ///
    /// - Throws: ``CodexError/Code/unknownTable``, ``CodexError/Code/unknownEntity``.
    func requireKnown(_ context: TransactionContext) throws(CodexError) {
        let catalog = context.catalog
        let schema = catalog.manifest.schema
        if let name = unknownEntities(catalog.manifest).first { throw schema.unknownEntity(name) }
        for name in unknownTables(catalog.manifest) {
            let isRemoved = try RemovedTables.contains(name, context.transaction, catalog.meta)
            if !isRemoved { _ = try schema.table(name) }
        }
    }
}

extension StoreCore {
    /// Checks the names of a filter, in a snapshot if the newest catalog does not have them.
    ///
    /// - Throws: As ``ChangeFilter/requireKnown(_:)``, and ``CodexError/Code/closed``.
    func requireKnown(_ filter: ChangeFilter) throws {
        if filter.isKnown(catalog.manifest) { return }
        try withReadContext { try filter.requireKnown($0) }
    }
}
