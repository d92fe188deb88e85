internal import CodexCore

/// Capacity units as DynamoDB counts them: "Capacity unit consumption" in its developer guide.
struct Capacity {
    enum Detail: String {
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
        guard !definition.indexes.isEmpty else {
            tableUnits += Self.write(old, new) * factor
            return
        }
        // The table and all indexes share one look at the items, which may be large.
        let oldItem = old.map { MeasuredItem(old: $0, new: new) }
        let newItem = new.map { MeasuredItem(new: $0, oldItem) }
        let byteCount = max(oldItem?.whole.byteCount ?? 0, newItem?.whole.byteCount ?? 0)
        tableUnits += Self.write(byteCount: byteCount) * factor
        for index in definition.indexes {
            let oldEntry = oldItem?.entry(of: index, definition)
            let units = Self.indexUnits(oldEntry, newItem?.entry(of: index, definition)) * factor
            guard units > 0 else { continue }
            add(index.name, isLocal: localIndexes.contains(index.name), units)
        }
    }

    /// Adds the units of a condition that was checked on an item of a transaction.
    mutating func addCheck(byteCount: Int) { tableUnits += Self.write(byteCount: byteCount) * 2 }

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
        _ old: MeasuredItem.Entry?, _ new: MeasuredItem.Entry?
    ) -> Double {
        switch (old, new) {
        case (nil, nil): return 0
        case (let entry?, nil), (nil, let entry?): return write(byteCount: entry.byteCount)
        case (let old?, let new?):
            if old.hasNewKey {
                return write(byteCount: old.byteCount) + write(byteCount: new.byteCount)
            }
            let isChanged = old.isChanged || new.isChanged
            return isChanged ? write(byteCount: max(old.byteCount, new.byteCount)) : 0
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

/// The item before or after a write, measured once for all indexes of its table.
private struct MeasuredItem {
    /// The item's entry in an index.
    struct Entry {
        var byteCount = 0
        /// Whether the entry's attributes differ from those on the other side of the write.
        var isChanged = false
        /// Whether one of the index's keys differs.
        var hasNewKey = false
    }

    private let item: Item
    /// The sizes of the attributes, by their places.
    private let byteCounts: [Int]
    /// Whether the attributes differ from those on the other side of the write, by their places.
    private let differs: [Bool]
    /// The entry that has all attributes.
    let whole: Entry

    private init(_ item: Item, _ differs: [Bool]) {
        self.item = item
        self.differs = differs
        byteCounts = item.elements.map { $0.name.utf8.count + $0.value.byteCount }
        whole = Entry(byteCount: byteCounts.reduce(0, +), isChanged: differs.contains(true))
    }

    /// Measures the item before a write, and compares it with the new one.
    init(old item: Item, new: Item?) {
        self.init(item, item.elements.map { new?[$0.name] != $0.value })
    }

    /// Measures the item after a write.
    init(new item: Item, _ old: MeasuredItem?) {
        let differs = item.elements.map { element -> Bool in
            guard let old, let place = old.item.index(of: element.name) else { return true }
            return old.differs[place]
        }
        self.init(item, differs)
    }

    /// The item's entry in an index; `nil` if it has none.
    func entry(of index: IndexDefinition, _ table: TableDefinition) -> Entry? {
        guard index.hasEntry(of: item) else { return nil }
        let keyNames = index.keyAttributes.map(\.name)
        var entry = Entry()
        switch index.projection {
        case .all: entry = whole
        case .keysOnly: entry = part(keyNames + table.keyAttributes.map(\.name))
        case .include(let names):
            entry = part(keyNames + table.keyAttributes.map(\.name) + names)
        }
        entry.hasNewKey = keyNames.contains { name in
            item.index(of: name).map { differs[$0] } ?? false
        }
        return entry
    }

    /// The entry that has the attributes with these names.
    private func part(_ names: [String]) -> Entry {
        var entry = Entry()
        for place in Set(names.compactMap { item.index(of: $0) }) {
            entry.byteCount += byteCounts[place]
            if differs[place] { entry.isChanged = true }
        }
        return entry
    }
}

/// The table of one of several writes, with the data that its capacity depends on.
struct WriteTarget: Sendable {
    let table: TableDefinition
    /// The table's name or ARN in the request.
    private let text: String
    private let localIndexes: [String]

    init(_ table: TableDefinition, _ text: String, _ service: DynamoDBService) throws {
        self.table = table
        self.text = text
        localIndexes = try service.record(of: table.name).localIndexes
    }

    /// Adds the units of a deletion; see ``Capacity/addDelete(_:_:byteCount:localIndexes:)``.
    func addDelete(to units: inout [Capacity], _ keys: Item?, byteCount: Int) {
        units.add(to: text) {
            $0.addDelete(table, keys, byteCount: byteCount, localIndexes: localIndexes)
        }
    }

    /// Adds the units of a condition that was checked on an item of a transaction.
    func addCheck(to units: inout [Capacity], byteCount: Int) {
        units.add(to: text, isTransaction: true) { $0.addCheck(byteCount: byteCount) }
    }

    /// Adds the units of a write.
    func add(
        to units: inout [Capacity], _ old: Item?, _ new: Item?, isTransaction: Bool = false,
        isRead: Bool = false
    ) {
        units.add(to: text, isTransaction: isTransaction, isRead: isRead) {
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
