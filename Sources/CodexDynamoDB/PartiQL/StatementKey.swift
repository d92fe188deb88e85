internal import CodexCore

/// The key of an item that the equalities of a condition name.
///
/// Only equalities that must hold count: those that `AND` joins.
struct StatementKey {
    /// The attributes of the key that have a value.
    let attributes: Item
    /// Whether the condition has more than the equalities.
    let hasMore: Bool
    /// An attribute of the key with two values.
    let conflict: String?
    /// Whether each attribute of the key has a value.
    let isComplete: Bool

    init(_ condition: Condition?, _ table: TableDefinition) {
        var attributes = Item()
        var (hasMore, conflict) = (false, String?.none)
        var rest = condition.map { [$0] } ?? []
        while let condition = rest.popLast() {
            if case .and(let left, let right) = condition {
                rest += [right, left]
                continue
            }
            guard let term = KeyTerm(condition), case .equal(let value) = term.kind,
                table.keyAttributes.hasName(term.name)
            else {
                hasMore = true
                continue
            }
            guard let other = attributes[term.name] else {
                attributes[term.name] = value
                continue
            }
            if other != value { conflict = conflict ?? term.name }
        }
        isComplete = table.keyAttributes.allSatisfy { attributes[$0.name] != nil }
        (self.attributes, self.hasMore, self.conflict) = (attributes, hasMore, conflict)
    }
}
