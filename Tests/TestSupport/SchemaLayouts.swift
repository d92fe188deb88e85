public import CodexCore

extension Schema {
    /// The schema with a layout for all indexes that can have it.
    public func inLayout(_ layout: IndexLayout) -> Schema {
        let tables = tables.map { table in
            table.with(
                indexes: table.indexes.map { index in
                    index.projection == .keysOnly ? index : index.with(layout: layout)
                })
        }
        return Schema(tables: tables, entities: entities)
    }
}
