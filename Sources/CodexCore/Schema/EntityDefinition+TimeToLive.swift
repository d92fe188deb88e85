extension EntityDefinition {
    /// Checks that the time to live of an item that a program writes is a number.
    ///
    /// The store ignores values of other types, so such an item would never expire. An item without
    /// a time to live, or with the null value, does not expire and is accepted.
    ///
    /// - Parameters:
    ///   - item: The item, with all attributes.
    ///   - attribute: The name of the table's time to live; `nil` if it has none.
    ///   - entity: The entity's name, for the error.
    /// - Throws: ``CodexError/Code/typeMismatch``.
    package static func requireTimeToLive(
        _ item: Item, _ attribute: String?, of entity: @autoclosure () -> String
    ) throws(CodexError) {
        guard let attribute, let value = item[attribute] else { return }
        switch value {
        case .number, .null: return
        default:
            throw CodexError(
                .typeMismatch,
                "The time to live \(attribute) of \(entity()) has the type "
                    + "\(value.type.rawValue). Store whole seconds: a number (N). EpochSeconds "
                    + "does so for a Date."
            ).inEntity(entity()).at(path: attribute)
        }
    }
}
