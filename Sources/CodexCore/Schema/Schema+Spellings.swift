extension Schema {
    /// This schema, in which each multi-valued attribute has the bytes of its key attribute.
    ///
    /// Earlier releases compared names as text. So a store's definition may have one name in two
    /// spellings that Swift takes for equal. Names with different bytes are different names now.
    package var spelledByKeys: Schema {
        let spelled = tables.map { table in
            table.with(
                indexes: table.indexes.map(\.spelledByKeys),
                counters: table.counters.map(\.spelledByKeys))
        }
        return Schema(tables: spelled, entities: entities)
    }
}

extension IndexDefinition {
    fileprivate var spelledByKeys: IndexDefinition {
        IndexDefinition(
            name, partitionKey: partitionKey, sortKey: sortKey, projection: projection,
            isUnique: isUnique, entities: entities,
            multiValued: multiValued.map(keyAttributes.spelling(of:)), layout: layout)
    }
}

extension CounterDefinition {
    fileprivate var spelledByKeys: CounterDefinition {
        CounterDefinition(
            name, group: group, sums: sums, entities: entities,
            multiValued: multiValued.map(group.spelling(of:)))
    }
}

extension [KeyAttribute] {
    /// A name in the spelling of the attribute that Swift takes for equal to it.
    ///
    /// It is the name itself if an attribute has its bytes, or if none is equal to it.
    fileprivate func spelling(of name: String) -> String {
        if contains(where: { ByteOrder.equal($0.name, name) }) { return name }
        return first(where: { $0.name == name })?.name ?? name
    }
}
