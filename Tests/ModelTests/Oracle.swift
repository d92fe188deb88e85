import CodexCore
import Foundation

/// A value as the oracle sees it: no code of the engine's decides equality or order here.
enum ModelValue: Hashable {
    case s([UInt8])
    case n(Double)
    case b([UInt8])
    case bool(Bool)
    case null
    case list([ModelValue])
    case map([[UInt8]: ModelValue])
    case ss(Set<[UInt8]>)
    case ns(Set<Double>)
    case bs(Set<[UInt8]>)

    init(_ value: AttributeValue) {
        switch value {
        case .string(let text): self = .s(Array(text.utf8))
        case .number(let number): self = .n(Double(number.description) ?? .nan)
        case .binary(let data): self = .b(data)
        case .bool(let flag): self = .bool(flag)
        case .null: self = .null
        case .list(let values): self = .list(values.map(ModelValue.init))
        case .map(let map): self = .map(Dictionary(record: map))
        case .stringSet(let set): self = .ss(Set(set.members.map { Array($0.utf8) }))
        case .numberSet(let set):
            self = .ns(Set(set.members.map { Double($0.description) ?? .nan }))
        case .binarySet(let set): self = .bs(Set(set.members))
        }
    }

    /// The engine's value.
    var value: AttributeValue {
        get throws {
            switch self {
            case .s(let bytes): .string(String(decoding: bytes, as: UTF8.self))
            case .n(let number): .number(try Number(number))
            case .b(let bytes): .binary(bytes)
            case .bool(let flag): .bool(flag)
            case .null: .null
            case .list(let values): .list(try values.map { try $0.value })
            case .map(let map): .map(try Item(record: map))
            case .ss(let set):
                .stringSet(AttributeSet(set.map { String(decoding: $0, as: UTF8.self) }))
            case .ns(let set): .numberSet(AttributeSet(try set.map { try Number($0) }))
            case .bs(let set): .binarySet(AttributeSet(set))
            }
        }
    }

    private static func compare(_ left: [UInt8], _ right: [UInt8]) -> Int {
        let order = left.withUnsafeBytes { left in
            right.withUnsafeBytes { right in
                let count = min(left.count, right.count)
                guard let left = left.baseAddress, let right = right.baseAddress else { return 0 }
                return Int(memcmp(left, right, count))
            }
        }
        return order == 0 ? left.count - right.count : order
    }

    /// Whether this key value sorts before the other of the same type.
    func precedes(_ other: ModelValue) -> Bool {
        switch (self, other) {
        case (.s(let left), .s(let right)), (.b(let left), .b(let right)):
            Self.compare(left, right) < 0
        case (.n(let left), .n(let right)): left < right
        default: false
        }
    }
}

typealias Record = [[UInt8]: ModelValue]

extension [[UInt8]: ModelValue] {
    init(record item: Item) {
        self.init(uniqueKeysWithValues: item.map { (Array($0.name.utf8), ModelValue($0.value)) })
    }

    subscript(_ name: String) -> ModelValue? {
        get { self[Array(name.utf8)] }
        set { self[Array(name.utf8)] = newValue }
    }
}

extension Item {
    init(record: Record) throws {
        self.init()
        for (name, value) in record {
            self[String(decoding: name, as: UTF8.self)] = try value.value
        }
    }
}

/// A store as dictionaries: every query looks at every item.
struct Oracle {
    let schema: Schema
    /// What was stored and not removed; expired records among them are hidden.
    var tables: [String: [[ModelValue]: Record]] = [:]
    /// The second that the clock shows.
    var now = 0.0

    func definition(_ table: String) -> TableDefinition {
        schema.tables.first { $0.name == table }!
    }

    func key(_ record: Record, _ table: String) -> [ModelValue] {
        definition(table).keyAttributes.map { record[$0.name]! }
    }

    func record(_ table: String, _ key: [ModelValue]) -> Record? {
        guard let record = tables[table]?[key], !isExpired(record, table) else { return nil }
        return record
    }

    /// Whether two items have the same key in a unique index; those that were just put count, even
    /// if they are expired already.
    func violatesUnique(_ table: String, put: Set<[ModelValue]>) -> Bool {
        definition(table).indexes.contains { index in
            guard index.isUnique else { return false }
            let records = (tables[table] ?? [:]).filter {
                put.contains($0.key) || !isExpired($0.value, table)
            }
            let keys = records.values.flatMap { indexKeys($0, index) }
            return Set(keys).count != keys.count
        }
    }

    // MARK: Expiry

    private func isExpired(_ record: Record, _ table: String) -> Bool {
        guard let name = definition(table).timeToLive, case .n(let value)? = record[name] else {
            return false
        }
        let second = value.rounded(.up)
        return value >= 0 && second <= now && second >= now - 157_680_000
    }

    /// The records that are there.
    private func live(_ table: String) -> [[ModelValue]: Record] {
        (tables[table] ?? [:]).filter { !isExpired($0.value, table) }
    }

    /// Whether there are expired records that may not be removed yet.
    func hasExpired(_ table: String) -> Bool {
        (tables[table] ?? [:]).values.contains { isExpired($0, table) }
    }

    /// Removes the expired records; returns how many there were.
    mutating func removeExpired() -> Int {
        var count = 0
        for table in schema.tables.map(\.name) {
            let left = live(table)
            count += (tables[table]?.count ?? 0) - left.count
            tables[table] = left
        }
        return count
    }

    // MARK: Reading

    /// Whether another item has one of the record's keys in a unique index.
    func violatesUnique(_ record: Record, _ table: String) -> Bool {
        definition(table).indexes.contains { index in
            guard index.isUnique else { return false }
            let mine = Set(indexKeys(record, index))
            let key = key(record, table)
            return !mine.isEmpty
                && live(table).contains {
                    $0.key != key && !mine.isDisjoint(with: indexKeys($0.value, index))
                }
        }
    }

    /// The key values of the record's entries in an index.
    func indexKeys(_ record: Record, _ index: IndexDefinition) -> [[ModelValue]] {
        keys(record, index.keyAttributes, index.multiValued)
    }

    private func keys(
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

    /// What a counter says of its groups: counts, and for each sum how many numbers and their sum.
    ///
    /// Expired records count until they are removed.
    func totals(_ counter: CounterDefinition, _ table: String) -> [[ModelValue]: [Decimal]] {
        var totals: [[ModelValue]: [Decimal]] = [:]
        for record in (tables[table] ?? [:]).values {
            for group in keys(record, counter.group, counter.multiValued) {
                var total = totals[group] ?? Array(repeating: 0, count: 1 + 2 * counter.sums.count)
                total[0] += 1
                for (position, name) in counter.sums.enumerated() {
                    guard case .n(let number)? = record[name] else { continue }
                    total[1 + 2 * position] += 1
                    total[2 + 2 * position] += Decimal(string: "\(number)") ?? .nan
                }
                totals[group] = total
            }
        }
        return totals
    }

    /// All items of a table, in key order.
    func scan(_ table: String) -> [Record] {
        let names = definition(table).keyAttributes.map(\.name)
        return live(table).values.sorted { left, right in
            for name in names {
                guard let a = left[name], let b = right[name], a != b else { continue }
                return a.precedes(b)
            }
            return false
        }
    }

    /// All results of a query in order, projected as the index projects.
    func results(_ query: ModelQuery) -> [Record] {
        found(query).map(\.projected)
    }

    /// The primary keys of a query's results.
    func keys(_ query: ModelQuery) -> Set<[ModelValue]> {
        Set(found(query).map { key($0.record, query.table) })
    }

    private func found(_ query: ModelQuery) -> [(record: Record, projected: Record)] {
        let definition = definition(query.table)
        let index = definition.indexes.first { $0.name == query.index }
        let partition = index?.partitionKey ?? [definition.partitionKey]
        let sort = index?.sortKey ?? (definition.sortKey.map { [$0] } ?? [])
        let attributes = partition + sort
        var found: [(record: Record, values: [ModelValue])] = []
        for record in live(query.table).values {
            for values in keys(record, attributes, index?.multiValued) {
                let fixed = query.partition + query.sortPrefix
                guard Array(values.prefix(fixed.count)) == fixed else { continue }
                if fixed.count == values.count || query.sort.holds(values[fixed.count]) {
                    found.append((record, values))
                }
            }
        }
        let keyNames = definition.keyAttributes.map(\.name)
        let ordered = found.sorted { left, right in
            let keys = (
                left.values + keyNames.compactMap { left.record[$0] },
                right.values + keyNames.compactMap { right.record[$0] }
            )
            for (a, b) in zip(keys.0, keys.1) where a != b { return a.precedes(b) }
            return false
        }
        let projected = ordered.map { found -> (record: Record, projected: Record) in
            guard let index else { return (found.record, found.record) }
            let names = (index.keyAttributes + definition.keyAttributes).map(\.name)
            var kept: [String] = names
            if case .include(let more) = index.projection { kept += more }
            var record = found.record
            if index.projection != .all {
                record = record.filter { kept.map { Array($0.utf8) }.contains($0.key) }
                if let name = index.multiValued,
                    let position = index.keyAttributes.firstIndex(where: { $0.name == name })
                {
                    record[name] = found.values[position]
                }
            }
            return (found.record, record)
        }
        return query.forward ? projected : projected.reversed()
    }
}

enum ModelSort {
    case any
    case equal(ModelValue)
    case less(ModelValue)
    case lessOrEqual(ModelValue)
    case greater(ModelValue)
    case greaterOrEqual(ModelValue)
    case between(ModelValue, ModelValue)
    case begins(ModelValue)

    func holds(_ value: ModelValue) -> Bool {
        switch self {
        case .any: return true
        case .equal(let other): return value == other
        case .less(let other): return value.precedes(other)
        case .lessOrEqual(let other): return !other.precedes(value)
        case .greater(let other): return other.precedes(value)
        case .greaterOrEqual(let other): return !value.precedes(other)
        case .between(let low, let high): return !value.precedes(low) && !high.precedes(value)
        case .begins(let prefix):
            switch (value, prefix) {
            case (.s(let bytes), .s(let prefix)), (.b(let bytes), .b(let prefix)):
                return bytes.starts(with: prefix)
            default: return false
            }
        }
    }

    var condition: SortCondition {
        get throws {
            switch self {
            case .any: .any
            case .equal(let value): .equal(try value.value)
            case .less(let value): .less(try value.value)
            case .lessOrEqual(let value): .lessOrEqual(try value.value)
            case .greater(let value): .greater(try value.value)
            case .greaterOrEqual(let value): .greaterOrEqual(try value.value)
            case .between(let low, let high): .between(try low.value, try high.value)
            case .begins(let value): .beginsWith(try value.value)
            }
        }
    }
}

struct ModelQuery {
    var table: String
    var index: String?
    var partition: [ModelValue]
    var sortPrefix: [ModelValue]
    var sort: ModelSort
    var forward: Bool

    var request: TableQuery {
        get throws {
            TableQuery(
                table: table, index: index, partition: try partition.map { try $0.value },
                sortPrefix: try sortPrefix.map { try $0.value }, sort: try sort.condition,
                direction: forward ? .forward : .backward)
        }
    }
}
