internal import CodexCore

/// Capacity units as DynamoDB counts them: "Capacity unit consumption" in its developer guide.
struct Capacity {
    enum Detail: String, CaseIterable {
        case none = "NONE"
        case total = "TOTAL"
        case indexes = "INDEXES"
    }

    let table: String
    var tableUnits = 0.0
    var indexUnits: [(name: String, isLocal: Bool, units: Double)] = []
    /// Whether these are read or write units; the response tells them apart for transactions only.
    var isRead = false
    var isTransaction = false

    init(_ table: String) { self.table = table }

    var total: Double { tableUnits + indexUnits.reduce(0) { $0 + $1.units } }

    /// The units for reading a number of bytes.
    static func read(byteCount: Int, isConsistent: Bool, isTransaction: Bool = false) -> Double {
        let units = Double(max(1, (byteCount + 4095) / 4096))
        return units * (isTransaction ? 2 : isConsistent ? 1 : 0.5)
    }

    /// The units for writing an item in place of another.
    static func write(_ old: Item?, _ new: Item?) -> Double {
        write(byteCount: max(old?.byteCount ?? 0, new?.byteCount ?? 0))
    }

    /// The units for writing a number of bytes.
    private static func write(byteCount: Int) -> Double {
        Double(max(1, (byteCount + 1023) / 1024))
    }

    /// Adds the units of a write, in the table and in each of its indexes.
    mutating func addWrite(
        _ definition: TableDefinition, _ old: Item?, _ new: Item?, localIndexes: [String],
        factor: Double = 1
    ) {
        tableUnits += Self.write(old, new) * factor
        for index in definition.indexes {
            let units = Self.indexUnits(index, definition, old, new) * factor
            guard units > 0 else { continue }
            add(index.name, isLocal: localIndexes.contains(index.name), units)
        }
    }

    /// Adds the units of a deletion, in the table and in those of its indexes that have the item.
    ///
    /// - Parameters:
    ///   - definition: The table. None of its indexes may include single attributes.
    ///   - keys: The attributes of the table's keys and its indexes' keys; `nil` if there is no
    ///     item.
    ///   - byteCount: The size of the whole item.
    ///   - localIndexes: The names of the table's local indexes.
    mutating func addDelete(
        _ definition: TableDefinition, _ keys: Item?, byteCount: Int, localIndexes: [String]
    ) {
        tableUnits += Self.write(byteCount: byteCount)
        guard let keys else { return }
        for index in definition.indexes where index.hasEntry(of: keys) {
            let entryByteCount =
                index.projection == .all
                ? byteCount
                : keys.keeping(
                    index.keyAttributes.map(\.name) + definition.keyAttributes.map(\.name)
                )
                .byteCount
            add(
                index.name, isLocal: localIndexes.contains(index.name),
                Self.write(byteCount: entryByteCount))
        }
    }

    mutating func add(_ index: String, isLocal: Bool, _ units: Double) {
        if let place = indexUnits.firstIndex(where: { $0.name == index }) {
            indexUnits[place].units += units
        } else {
            indexUnits.append((index, isLocal, units))
        }
    }

    /// One write for an entry that is added, removed or changed; two for an entry whose key
    /// changes.
    private static func indexUnits(
        _ index: IndexDefinition, _ table: TableDefinition, _ old: Item?, _ new: Item?
    ) -> Double {
        func entry(_ item: Item?) -> (key: Item, item: Item)? {
            guard let item else { return nil }
            var key = Item()
            for attribute in index.keyAttributes {
                guard let value = item[attribute.name], value.type == attribute.type.attributeType
                else { return nil }
                key[attribute.name] = value
            }
            var names = Set(index.keyAttributes.map(\.name) + table.keyAttributes.map(\.name))
            switch index.projection {
            case .all: return (key, item)
            case .keysOnly: break
            case .include(let included): names.formUnion(included)
            }
            return (
                key,
                AttributeMap(
                    item.elements.filter { names.contains($0.name) }.map { ($0.name, $0.value) })
            )
        }
        switch (entry(old), entry(new)) {
        case (nil, nil): return 0
        case (let old?, nil): return write(old.item, nil)
        case (nil, let new?): return write(nil, new.item)
        case (let old?, let new?):
            if old.key != new.key { return write(old.item, nil) + write(nil, new.item) }
            return old.item == new.item ? 0 : write(old.item, new.item)
        }
    }

    func write(_ detail: Detail, to writer: inout JSONWriter) {
        func number(_ value: Double) -> String {
            value == value.rounded() ? "\(Int(value)).0" : "\(value)"
        }
        func units(_ value: Double) -> String {
            var text = "\"CapacityUnits\":\(number(value))"
            if isTransaction {
                text += ",\"\(isRead ? "Read" : "Write")CapacityUnits\":\(number(value))"
            }
            return text
        }
        writer.raw("{\"TableName\":")
        writer.string(table)
        writer.raw("," + units(total))
        if detail == .indexes {
            writer.raw(",\"Table\":{\(units(tableUnits))}")
            for (isLocal, name) in [(true, "Local"), (false, "Global")] {
                let indexes = indexUnits.filter { $0.isLocal == isLocal }
                guard !indexes.isEmpty else { continue }
                writer.raw(",\"\(name)SecondaryIndexes\":{")
                for (place, index) in indexes.enumerated() {
                    if place > 0 { writer.raw(",") }
                    writer.string(index.name)
                    writer.raw(":{\(units(index.units))}")
                }
                writer.raw("}")
            }
        }
        writer.raw("}")
    }
}

/// The table of one of several writes, with the data that its capacity depends on.
struct WriteTarget: Sendable {
    let table: TableDefinition
    private let localIndexes: [String]

    init(_ table: TableDefinition, _ service: DynamoDBService) throws {
        self.table = table
        localIndexes = try service.record(of: table.name).localIndexes
    }

    /// Adds the units of a deletion; see ``Capacity/addDelete(_:_:byteCount:localIndexes:)``.
    func addDelete(to units: inout [Capacity], _ keys: Item?, byteCount: Int) {
        units.add(to: table.name) {
            $0.addDelete(table, keys, byteCount: byteCount, localIndexes: localIndexes)
        }
    }

    /// Adds the units of a write.
    func add(
        to units: inout [Capacity], _ old: Item?, _ new: Item?, isTransaction: Bool = false,
        isRead: Bool = false
    ) {
        units.add(to: table.name, isTransaction: isTransaction, isRead: isRead) {
            $0.addWrite(
                table, old, new, localIndexes: localIndexes, factor: isTransaction ? 2 : 1)
        }
    }
}

extension [Capacity] {
    /// Adds to the units of a table.
    mutating func add(
        to table: String, isTransaction: Bool = false, isRead: Bool = false,
        _ body: (inout Capacity) throws -> Void
    ) rethrows {
        if let index = firstIndex(where: { $0.table == table }) {
            return try body(&self[index])
        }
        var capacity = Capacity(table)
        (capacity.isTransaction, capacity.isRead) = (isTransaction, isRead)
        try body(&capacity)
        append(capacity)
    }
}

extension TableDefinition {
    /// Whether keys and a size suffice to count a deletion: no index includes single attributes.
    var countsDeletionsByKeys: Bool {
        indexes.allSatisfy { index in
            if case .include = index.projection { false } else { true }
        }
    }
}

extension IndexDefinition {
    /// Whether the index has an entry for an item with these attributes.
    fileprivate func hasEntry(of item: Item) -> Bool {
        keyAttributes.allSatisfy { item[$0.name]?.type == $0.type.attributeType }
    }
}
