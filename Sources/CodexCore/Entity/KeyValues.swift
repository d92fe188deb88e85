/// The values of attributes from which a query's keys are made.
package final class KeyValues: Sendable, Hashable {
    /// The values by stored name.
    package let values: [String: AttributeValue]
    /// The attribute to which the condition applies; `nil` is the first one in the sort key that
    /// the values lack.
    package let sortName: String?
    /// The condition on the value of that attribute.
    package let condition: SortCondition

    init(_ values: [String: any AttributeConvertible], _ condition: SortCondition) {
        self.values = values.mapValues { $0.attributeValue }
        sortName = nil
        self.condition = condition
    }

    init<E>(_ values: [FieldValue<E>], _ range: FieldRange<E>?) {
        self.values = Self.values(values)
        sortName = range?.name
        condition = range?.condition ?? .any
    }

    /// The values by name.
    ///
    /// A second value of a field has a name that no key has, so that the key cannot be made.
    static func values<E>(_ given: [FieldValue<E>]) -> [String: AttributeValue] {
        var values: [String: AttributeValue] = [:]
        for field in given {
            let isSecond = values[field.name].map { $0 != field.value } ?? false
            values[isSecond ? "\(field.name) (a second value)" : field.name] = field.value
        }
        return values
    }

    package static func == (left: KeyValues, right: KeyValues) -> Bool {
        left.values == right.values && left.sortName == right.sortName
            && left.condition == right.condition
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(values)
        hasher.combine(sortName)
        hasher.combine(condition)
    }
}
