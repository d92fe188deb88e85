import CodexCore

/// A record of the oracle, with what queries ask of it.
///
/// A record does not change. So its keys and its expiry are found when it is stored, and not again
/// for each query that looks at it.
final class StoredRecord: Sendable {
    let record: Record
    /// The primary key.
    let key: [ModelValue]
    /// The key values of the record's entries, for each index of the table.
    let indexKeys: [[[ModelValue]]]
    /// The second from which the record is expired; `nil` if it does not expire.
    private let expiry: Double?

    /// Creates a record of a table.
    ///
    /// - Parameters:
    ///   - record: The attributes.
    ///   - definition: The table.
    init(_ record: Record, of definition: TableDefinition) {
        self.record = record
        key = definition.keyAttributes.map { record[$0.name]! }
        indexKeys = definition.indexes.map { index in
            Self.keys(record, index.keyAttributes, index.multiValued)
        }
        if let name = definition.timeToLive, case .n(let value)? = record[name], value >= 0 {
            expiry = value.rounded(.up)
        } else {
            expiry = nil
        }
    }

    /// Whether the record is expired at a second.
    ///
    /// What lies more than five years back does not count as an expiry.
    func isExpired(at now: Double) -> Bool {
        guard let expiry else { return false }
        return expiry <= now && expiry >= now - 157_680_000
    }

    /// The values of attributes: one list of them for each value of the multi-valued attribute.
    ///
    /// - Parameters:
    ///   - record: The attributes.
    ///   - attributes: The attributes of a key.
    ///   - multiValued: The attribute of which each element has a key, if any.
    /// - Returns: The lists; none if the record lacks an attribute.
    static func keys(
        _ record: Record, _ attributes: [KeyAttribute], _ multiValued: String?
    ) -> [[ModelValue]] {
        var keys: [[ModelValue]] = [[]]
        for attribute in attributes {
            guard let value = record[attribute.name] else { return [] }
            var values = [value]
            if attribute.name == multiValued {
                switch value {
                case .list(let elements): values = Array(Set(elements))
                case .ss(let members): values = members.map { .s($0) }
                default: break
                }
            }
            keys = keys.flatMap { key in values.map { key + [$0] } }
        }
        return keys
    }
}
