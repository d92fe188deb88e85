extension EntityDefinition {
    /// Checks that the time to live of an item that a program writes is a number.
    ///
    /// The store ignores values of other types, so such an item would never expire. An item without
    /// a time to live, or with the null value, does not expire and is accepted.
    ///
    /// - Parameters:
    ///   - item: The item of the entity, with all attributes.
    ///   - table: The entity's table.
    /// - Throws: ``CodexError/Code/typeMismatch``.
    package func requireTimeToLive(
        _ item: Item, _ table: TableDefinition
    ) throws(CodexError) {
        guard let attribute = table.timeToLive, let value = item[attribute] else { return }
        switch value {
        case .number, .null: return
        default:
            throw CodexError(
                .typeMismatch,
                "The time to live \(attribute) of \(name) has the type \(value.type.rawValue). "
                    + "Store whole seconds: a number (N). EpochSeconds does so for a Date."
            ).inEntity(name).at(path: attribute)
        }
    }
}
