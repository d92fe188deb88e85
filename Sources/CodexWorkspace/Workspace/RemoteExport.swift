public import CodexCore

extension CodexFlow {
    /// The items of an exported remote table, as an embedded store has them.
    ///
    /// A remote table has more than a store. Each item tells its entity and schema version
    /// (``TableCapabilities/reservedAttribute``). And clients keep items of their own: markers,
    /// guards, counts of tasks, entries of lists by label, and checkpoints of consumers. A store
    /// has other means for each of them.
    public struct RemoteExport: Sendable {
        private let schema: Schema
        private let table: TableDefinition

        /// Prepares the items of a table for a store.
        ///
        /// - Parameters:
        ///   - table: The name of the table in the store.
        ///   - schema: The store's schema.
        /// - Throws: ``CodexError/Code/unknownTable``.
        public init(of table: String, for schema: Schema) throws(CodexError) {
            self.table = try schema.table(table)
            self.schema = schema
        }

        /// The item that the store gets in place of an exported one.
        ///
        /// An item of an earlier schema version is upgraded, if it is of an entity of CodexFlow, or
        /// of a type of the schema. An item without the reserved attribute stays as it is.
        ///
        /// - Parameter item: The exported item.
        /// - Returns: The item without the reserved attribute; `nil` for an item that a client
        ///   keeps for itself.
        /// - Throws: ``CodexError/Code/schemaMismatch`` for a reserved attribute with other text,
        ///   and for an earlier version that cannot be upgraded here;
        ///   ``CodexError/Code/programTooOld`` for a later version;
        ///   ``CodexError/Code/unknownEntity``; the errors of the upgrade.
        public func storedItem(for item: Item) throws(CodexError) -> Item? {
            guard let tag = try EntityTag(of: item) else { return isOfClient(item) ? nil : item }
            guard let entity = schema.entities.first(where: { $0.name == tag.entity }) else {
                throw schema.unknownEntity(tag.entity)
            }
            var bare = item
            bare[TableCapabilities.reservedAttribute] = nil
            return try upgraded(bare, from: tag.schemaVersion, to: entity)
        }

        private func upgraded(
            _ item: Item, from version: Int, to entity: EntityDefinition
        ) throws(CodexError) -> Item {
            let known = entity.schemaVersion
            guard version != known else { return item }
            guard version < known else {
                throw CodexError.programTooOld(entity.name, known: known, item: version)
            }
            let types = schema.types + CodexFlow.schema.types
            let type = types.first {
                $0.definition.name == entity.name && $0.definition.schemaVersion == known
            }
            guard let type else {
                throw CodexError(
                    .schemaMismatch,
                    "The item has version \(version) of entity \(entity.name), and the store has "
                        + "version \(known). Update the item in the remote table by a program "
                        + "with that version, and export the table again.")
            }
            return try type.upgraded(item, from: version)
        }

        // MARK: Items of clients

        /// Whether an item without the reserved attribute is one that a client keeps for itself.
        private func isOfClient(_ item: Item) -> Bool {
            // The store refuses an item without its key.
            guard let key = try? table.primaryKey(of: item) else { return false }
            let consumers = TableCapabilities.consumerPrefix.utf8
            if key.partition.string?.utf8.starts(with: consumers) == true { return true }
            guard table.name == CodexFlow.table,
                (try? schema.entity(of: item, in: table.name)) == nil
            else { return false }
            return PredicateLock.isKey(key) || TaskCountShards.isKey(key)
                || key == LabelList.stateKey || isKey(Marker.place(of: item))
                || isKey(LabelList.task(of: item))
        }

        /// Whether attributes have the key of an item of the table.
        private func isKey(_ attributes: Item?) -> Bool {
            attributes.map { (try? table.primaryKey(of: $0)) != nil } ?? false
        }
    }
}
