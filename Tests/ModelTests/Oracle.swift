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
    private var tables: [String: [[ModelValue]: StoredRecord]] = [:]
    /// The second that the clock shows.
    var now = 0.0

    init(schema: Schema) { self.schema = schema }

    private func definition(_ table: String) -> TableDefinition {
        schema.tables.first { $0.name == table }!
    }

    func key(_ record: Record, _ table: String) -> [ModelValue] {
        definition(table).keyAttributes.map { record[$0.name]! }
    }

    func record(_ table: String, _ key: [ModelValue]) -> Record? {
        guard let stored = tables[table]?[key], !stored.isExpired(at: now) else { return nil }
        return stored.record
    }

    /// Stores a record, or removes what is at its key.
    mutating func set(_ record: Record?, _ table: String, _ key: [ModelValue]) {
        let definition = definition(table)
        tables[table, default: [:]][key] = record.map { StoredRecord($0, of: definition) }
    }

    /// The records of a table, expired ones among them.
    private func records(_ table: String) -> [[ModelValue]: StoredRecord] { tables[table] ?? [:] }

    // MARK: Expiry

    /// Whether there are expired records that may not be removed yet.
    func hasExpired(_ table: String) -> Bool {
        records(table).values.contains { $0.isExpired(at: now) }
    }

    /// Removes the expired records; returns how many there were.
    mutating func removeExpired() -> Int {
        var count = 0
        for table in schema.tables.map(\.name) {
            for (key, stored) in records(table) where stored.isExpired(at: now) {
                tables[table]?[key] = nil
                count += 1
            }
        }
        return count
    }

    // MARK: Uniqueness

    /// Whether two items have the same key in a unique index; those that were just put count, even
    /// if they are expired already.
    func violatesUnique(_ table: String, put: Set<[ModelValue]>) -> Bool {
        for (place, index) in definition(table).indexes.enumerated() where index.isUnique {
            var seen: Set<[ModelValue]> = []
            for (key, stored) in records(table)
            where !stored.isExpired(at: now) || put.contains(key) {
                for entry in stored.indexKeys[place] where !seen.insert(entry).inserted {
                    return true
                }
            }
        }
        return false
    }

    /// Whether another item has one of the record's keys in a unique index.
    func violatesUnique(_ record: Record, _ table: String) -> Bool {
        let definition = definition(table)
        for (place, index) in definition.indexes.enumerated() where index.isUnique {
            let mine = StoredRecord.keys(record, index.keyAttributes, index.multiValued)
            if mine.isEmpty { continue }
            let key = key(record, table)
            let isTaken = records(table).values.contains { other in
                other.indexKeys[place].contains { mine.contains($0) }
                    && !other.isExpired(at: now) && other.key != key
            }
            if isTaken { return true }
        }
        return false
    }

    // MARK: Reading

    /// What a counter says of its groups: counts, and for each sum how many numbers and their sum.
    ///
    /// Expired records count until they are removed.
    func totals(_ counter: CounterDefinition, _ table: String) -> [[ModelValue]: [Decimal]] {
        var totals: [[ModelValue]: [Decimal]] = [:]
        for record in records(table).values.map(\.record) {
            for group in StoredRecord.keys(record, counter.group, counter.multiValued) {
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

    /// Whether the first of two keys that differ sorts before the other.
    private static func precedes(_ left: [ModelValue], _ right: [ModelValue]) -> Bool {
        for (a, b) in zip(left, right) where a != b { return a.precedes(b) }
        return false
    }

    /// All items of a table, in key order.
    func scan(_ table: String) -> [Record] {
        records(table).values.filter { !$0.isExpired(at: now) }
            .sorted { Self.precedes($0.key, $1.key) }.map(\.record)
    }

    /// All results of a query in order, projected as the index projects.
    func results(_ query: ModelQuery) -> [Record] {
        let definition = definition(query.table)
        let results = found(query).map { found -> Record in
            guard let index = definition.indexes.first(where: { $0.name == query.index }),
                index.projection != .all
            else { return found.stored.record }
            var names = (index.keyAttributes + definition.keyAttributes).map(\.name)
            if case .include(let more) = index.projection { names += more }
            let kept = names.map { Array($0.utf8) }
            var record = found.stored.record.filter { kept.contains($0.key) }
            if let name = index.multiValued,
                let position = index.keyAttributes.firstIndex(where: { $0.name == name })
            {
                record[name] = found.values[position]
            }
            return record
        }
        return query.forward ? results : results.reversed()
    }

    /// The primary keys of a query's results.
    func keys(_ query: ModelQuery) -> Set<[ModelValue]> {
        Set(found(query).map { $0.stored.key })
    }

    /// The entries that a query finds, ascending, each with the values of the key that it is at.
    private func found(_ query: ModelQuery) -> [(stored: StoredRecord, values: [ModelValue])] {
        let place = definition(query.table).indexes.firstIndex { $0.name == query.index }
        let fixed = query.partition + query.sortPrefix
        var found: [(stored: StoredRecord, values: [ModelValue])] = []
        for stored in records(query.table).values where !stored.isExpired(at: now) {
            for values in place.map({ stored.indexKeys[$0] }) ?? [stored.key] {
                guard Self.begins(values, with: fixed) else { continue }
                if fixed.count == values.count || query.sort.holds(values[fixed.count]) {
                    found.append((stored, values))
                }
            }
        }
        return found.sorted { left, right in
            Self.precedes(left.values + left.stored.key, right.values + right.stored.key)
        }
    }

    /// Whether the first values are some others.
    private static func begins(_ values: [ModelValue], with fixed: [ModelValue]) -> Bool {
        guard values.count >= fixed.count else { return false }
        for place in fixed.indices where values[place] != fixed[place] { return false }
        return true
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
