internal import CodexCore
internal import CodexIndex

/// Reads the whole store and compares items, entries and counters.
///
/// An item belongs to an index if it has all key attributes and is of one of the index's entities.
/// Its entries then are exactly references to it, or have exactly the projected attributes. That
/// depends on the layout of the tree. Expired items are items, but no duplicates in a unique index.
struct Verifier {
    private typealias Bytes = UnsafeBufferPointer<UInt8>

    let context: ReadContext
    private(set) var differences: [VerificationReport.Difference] = []
    private(set) var itemCount = 0
    private(set) var entryCount = 0
    private(set) var groupCount = 0
    /// The tables' undecided values.
    var undecidedCounts: [String: UndecidedCount] = [:]
    /// The totals of the current table's items, by counter and group.
    private var totals: [String: [[UInt8]: Tally]] = [:]
    private var large: [UInt64: LargeValue] = [:]

    init(context: ReadContext) { self.context = context }

    private mutating func report(
        _ kind: VerificationReport.Difference.Kind, _ table: TableHandle, _ part: String?,
        _ key: PrimaryKey?
    ) {
        differences.append(.init(kind: kind, table: table.name, index: part, key: key))
    }

    // MARK: Items

    /// Checks each item's entries, and adds up the totals.
    mutating func verifyItems(_ table: TableHandle) {
        totals = [:]
        let attributes = table.plan.definition.keyAttributes
        unsafe walk(table.tree, table, nil) { verifier, key, value in
            verifier.itemCount += 1
            if let large = unsafe try? LargeValue(value) { verifier.large[large.id] = large }
            guard let image = unsafe verifier.image(value, key, table.plan) else {
                verifier.report(.unreadableItem, table, nil, nil)
                return
            }
            let values = attributes.compactMap { image.item[$0.name] }
            let primaryKey = PrimaryKey(values[0], values.dropFirst().first)
            let encoded = Self.encode(primaryKey)
            guard unsafe key.elementsEqual(encoded) else {
                // The bytes decode to a key, but no lookup of that key would use them.
                verifier.report(.unreadableItem, table, nil, primaryKey)
                return
            }
            let number = image.header.entityNumber
            if number != 0, verifier.context.catalog.entityName(number) == nil {
                verifier.report(.unknownEntity, table, nil, primaryKey)
            }
            verifier.countUndecided(image, table)
            verifier.verifyDerived(image, table, primaryKey)
            do {
                let core = verifier.context.core
                let opened = try SealedFields.opened(
                    image.item, image.header, verifier.context.catalog, core)
                if core.options.sealer != nil, opened.sealedName != nil {
                    verifier.report(.unopenedValue, table, nil, primaryKey)
                }
                let fields = verifier.context.catalog.sealedFields(number)
                if fields?.hasPlain(image.item) == true
                    || number == 0 && table.openField(ofRaw: image.item, primaryKey) != nil
                {
                    verifier.report(.plainValue, table, nil, primaryKey)
                }
            } catch CodexError.Code.keyUnavailable {
                verifier.report(.unopenedValue, table, nil, primaryKey)
            } catch CodexError.Code.valueTampered, CodexError.Code.valueNotSealed {
                verifier.report(.tamperedValue, table, nil, primaryKey)
            }
            if verifier.context.catalog.hasStamps(table),
                image.header.expiresAt != Self.expiry(image, table)
            {
                verifier.report(.wrongExpiry, table, nil, primaryKey)
            }
            for index in table.indexes where index.state == nil || index.state == .conflicting {
                let definition = index.plan.definition
                guard verifier.context.catalog.includes(definition.entities, number) else {
                    continue
                }
                guard let keys = Self.keys(image, table, index) else {
                    verifier.report(.unindexableItem, table, definition.name, primaryKey)
                    continue
                }
                for key in keys
                where unsafe try verifier.value(index.tree, key + encoded) == nil {
                    verifier.report(.missingEntry, table, definition.name, primaryKey)
                }
            }
            try verifier.addTotals(table, image, primaryKey)
        }
    }

    /// Compares the derived attributes of an item with those that its other attributes make.
    private mutating func verifyDerived(
        _ image: Image, _ table: TableHandle, _ primaryKey: PrimaryKey
    ) {
        let (number, version) = (image.header.entityNumber, image.header.schemaVersion)
        guard let derivation = context.catalog.derivation(of: number) else { return }
        var names = derivation.differingNames(in: image.item)
        // Version 0 has an item that was raw: it counts as the present version.
        if version != 0, version < derivation.schemaVersion {
            // Until it is migrated, an item of an earlier version may have those of that version.
            let entity = table.entities.first { $0.number == number }
            names.removeAll { entity?.changed($0, after: version) ?? true }
        }
        for name in names {
            differences.append(
                .init(
                    kind: .wrongDerivedAttribute, table: table.name, index: nil, key: primaryKey,
                    attribute: name))
        }
    }

    private mutating func addTotals(
        _ table: TableHandle, _ image: Image, _ primaryKey: PrimaryKey
    ) throws {
        for counter in table.counters where counter.state == nil {
            let definition = counter.plan.definition
            guard context.catalog.includes(definition.entities, image.header.entityNumber) else {
                continue
            }
            guard
                let groups = Self.keys(
                    image.item, definition.group, definition.multiValued,
                    partitionCount: definition.group.count)
            else {
                report(.unindexableItem, table, definition.name, primaryKey)
                continue
            }
            for group in groups {
                var tally =
                    totals[definition.name]?[group] ?? Tally(sumCount: definition.sums.count)
                tally.count += 1
                for (position, name) in definition.sums.enumerated() {
                    guard let number = image.item[name]?.number else { continue }
                    tally.sums[position].count += 1
                    tally.sums[position].sum = try tally.sums[position].sum.adding(number)
                }
                totals[definition.name, default: [:]][group] = tally
            }
        }
    }

    /// The expiry time of an item in seconds, from the text of its attribute; `nil` if it does not
    /// expire.
    private static func expiry(_ image: Image, _ table: TableHandle) -> Int? {
        guard let name = table.plan.definition.timeToLive,
            case .number(let number)? = image.item[name]
        else { return nil }
        let parts = number.description.split(separator: ".")
        guard let whole = parts.first.flatMap({ Int($0) }), !number.isNegative else { return nil }
        let second = parts.count > 1 ? whole.addingReportingOverflow(1).partialValue : whole
        return (0..<(1 << 53)).contains(second) ? second : nil
    }

    /// The encoded keys that an item has in an index.
    private static func keys(
        _ image: Image, _ table: TableHandle, _ index: IndexHandle
    ) -> Set<[UInt8]>? {
        let definition = index.plan.definition
        if index.plan.isExpiry, expiry(image, table) == nil { return [] }
        return keys(
            image.item, definition.keyAttributes, definition.multiValued,
            partitionCount: definition.partitionKey.count)
    }

    /// The encoded keys of an item in an index or counter, made from the ordered encoding alone.
    ///
    /// It is `nil` if the item has a value that no key may have.
    private static func keys(
        _ item: Item, _ attributes: [KeyAttribute], _ multiValued: String?, partitionCount: Int
    ) -> Set<[UInt8]>? {
        var keys: Set<[UInt8]> = [[]]
        for (position, attribute) in attributes.enumerated() {
            let limit =
                position < partitionCount
                ? DynamoDBLimits.partitionKeyByteCountMax : DynamoDBLimits.sortKeyByteCountMax
            guard let value = item[attribute.name] else {
                keys = []
                continue
            }
            var values = [value]
            if let multiValued, ByteOrder.equal(multiValued, attribute.name) {
                switch value {
                case .list(let elements): values = elements
                case .stringSet(let set): values = set.members.map { .string($0) }
                case .numberSet(let set): values = set.members.map { .number($0) }
                case .binarySet(let set): values = set.members.map { .binary($0) }
                default: break
                }
            }
            guard values.count <= StoreLimits.indexElementCountMax else { return nil }
            var extended: Set<[UInt8]> = []
            for value in values {
                guard value.type == attribute.type.attributeType,
                    (1...limit).contains(value.keyByteCount)
                else { return nil }
                for key in keys {
                    var key = key
                    OrderedKey.append(value, isLast: false, to: &key)
                    extended.insert(key)
                }
            }
            keys = extended
        }
        return keys
    }

    private static func encode(_ key: PrimaryKey) -> [UInt8] {
        var bytes: [UInt8] = []
        OrderedKey.append(key.partition, isLast: key.sort == nil, to: &bytes)
        if let sort = key.sort { OrderedKey.append(sort, isLast: true, to: &bytes) }
        return bytes
    }

    // MARK: Entries

    /// Checks each entry's item.
    mutating func verifyEntries(_ table: TableHandle, _ index: IndexHandle) {
        let definition = index.plan.definition
        let attributes = table.plan.definition.keyAttributes
        var previous: [UInt8]?
        unsafe walk(index.tree, table, definition.name) { verifier, key, value in
            verifier.entryCount += 1
            if index.ownsChunks, let large = unsafe try? LargeValue(value) {
                verifier.large[large.id] = large
            }
            guard let entry = unsafe verifier.entry(value, key, index.plan) else {
                verifier.report(.unreadableEntry, table, definition.name, nil)
                return
            }
            let values = attributes.compactMap { entry.item[$0.name] }
            let primaryKey = PrimaryKey(values[0], values.dropFirst().first)
            let encoded = Self.encode(primaryKey)
            let indexKey = unsafe Array(key.dropLast(encoded.count))
            let item = try verifier.storedItem(table, encoded)
            if definition.isUnique, index.state == nil,
                !verifier.isExpired(entry, item, index, table)
            {
                if previous == indexKey {
                    verifier.report(.duplicateKey, table, definition.name, primaryKey)
                }
                previous = indexKey
            }
            guard let stored = item,
                verifier.context.catalog.includes(
                    definition.entities, stored.header.entityNumber),
                let keys = Self.keys(stored, table, index), keys.contains(indexKey),
                unsafe key.elementsEqual(indexKey + encoded)
            else {
                verifier.report(.danglingEntry, table, definition.name, primaryKey)
                return
            }
            let isRight: Bool
            if index.plan.layout == .references {
                isRight = unsafe Self.refers(value, to: stored, definition)
            } else {
                isRight = Self.agrees(entry, with: stored, definition, attributes.map(\.name))
            }
            if !isRight { verifier.report(.wrongProjection, table, definition.name, primaryKey) }
        }
    }

    /// An entry as it is stored; one that refers to its item has the attributes of its key alone.
    private func entry(_ value: Bytes, _ key: Bytes, _ plan: IndexPlan) -> Image? {
        guard plan.layout == .references else { return unsafe image(value, key, plan) }
        let span = unsafe Span(_unsafeElements: value)
        let keySpan = unsafe Span(_unsafeElements: key)
        guard let reference = try? ReferenceEntry(span),
            let attributes = try? plan.attributes(of: keySpan)
        else { return nil }
        var item = Item()
        for attribute in attributes { item.set(attribute) }
        return Image(item: item, header: ItemHeader(entityNumber: reference.entityNumber))
    }

    /// Whether the item of an entry is expired; that of a reference has the second of expiry alone.
    private func isExpired(
        _ entry: Image, _ item: Image?, _ index: IndexHandle, _ table: TableHandle
    ) -> Bool {
        guard index.plan.layout == .references else {
            return context.isExpired(entry.header, in: table)
        }
        guard let item else { return false }
        return context.isExpired(item.header, in: table)
    }

    /// Whether an entry is the reference to an item.
    ///
    /// An entry of keys only may be from before format 5: an item without attributes.
    private static func refers(
        _ value: Bytes, to stored: Image, _ definition: IndexDefinition
    ) -> Bool {
        let expected = ReferenceEntry(stored.header)
        if unsafe value.elementsEqual(expected.bytes) { return true }
        guard definition.projection == .keysOnly, let first = unsafe value.first,
            !ReferenceEntry.isReference(first)
        else { return false }
        let span = unsafe Span(_unsafeElements: value)
        let former = try? ReferenceEntry(span)
        return former == expected
    }

    /// Whether an entry has the attributes that its item requires.
    private static func agrees(
        _ entry: Image, with stored: Image, _ definition: IndexDefinition, _ tableKey: [String]
    ) -> Bool {
        var expected = stored.item
        let keys = tableKey + definition.keyAttributes.map(\.name)
        var isWhole = true
        switch definition.projection {
        case .all: break
        case .keysOnly:
            expected = expected.keeping(keys)
            isWhole = false
        case .include(let names):
            expected = expected.keeping(keys + names)
            isWhole =
                definition.multiValued.map { name in
                    names.contains { ByteOrder.equal($0, name) }
                } ?? true
        }
        if let name = definition.multiValued, !isWhole {
            // The key names the element, which is known to be one of the item's.
            expected[name] = entry.item[name]
        }
        return entry.item == expected
            && (definition.projection != .all || entry.header.version == stored.header.version)
            && entry.header.entityNumber == stored.header.entityNumber
            && entry.header.schemaVersion == stored.header.schemaVersion
            && entry.header.expiresAt == stored.header.expiresAt
    }

    // MARK: Counters

    /// Compares a counter with the totals of the items.
    mutating func verifyTotals(_ table: TableHandle, _ counter: CounterHandle) {
        let definition = counter.plan.definition
        var expected = totals[definition.name] ?? [:]
        unsafe walk(counter.tree, table, definition.name) { verifier, key, value in
            verifier.groupCount += 1
            let stored = unsafe try? Tally(value, sumCount: definition.sums.count)
            guard let stored, stored == expected.removeValue(forKey: unsafe Array(key)) else {
                verifier.report(.wrongTotal, table, definition.name, nil)
                return
            }
        }
        for _ in expected { report(.wrongTotal, table, definition.name, nil) }
    }

    // MARK: System entries

    /// Checks whether tokens, consumers and dead letters can be read.
    mutating func verifySystemEntries() {
        verifyEntries(of: context.catalog.tokens, "tokens") { key, value in
            RememberedToken.isEntry(key, value)
        }
        verifyEntries(of: context.catalog.consumers, "consumers") { key, value in
            (try? Consumer.requireWellFormed(key, value)) != nil
        }
        do {
            _ = try DigestKey.stored(in: context)
            for table in context.catalog.allTables {
                for entity in table.entities where entity.migration != nil {
                    _ = try EarlierWrites.stored(
                        entity.number, context.transaction, context.catalog.meta)
                }
            }
        } catch {
            reportEntry(of: "meta")
        }
    }

    private mutating func verifyEntries(
        of database: DatabaseID, _ name: String, _ isSound: ([UInt8], [UInt8]) -> Bool
    ) {
        let transaction = context.transaction
        do {
            try transaction.withCursor(database) { cursor in
                unsafe try walk(&cursor) { verifier, key, value in
                    guard !isSound(unsafe Array(key), unsafe Array(value)) else { return }
                    verifier.reportEntry(of: name)
                }
            }
        } catch {
            differences.append(.init(kind: .unreadableTree, table: name, index: nil, key: nil))
        }
    }

    private mutating func reportEntry(of database: String) {
        differences.append(
            .init(kind: .unreadableSystemEntry, table: database, index: nil, key: nil))
    }

    // MARK: Overflow

    /// Checks that every remainder of a long key and every chunk belongs to exactly one entry.
    mutating func verifyOverflow() {
        guard let table = context.catalog.allTables.first else { return }
        var pointers: [UInt64: Int] = [:]
        var layers: Set<UInt64> = []
        let trees = context.catalog.allTables.flatMap { table in
            [table.tree] + table.indexes.map(\.tree) + table.counters.map(\.tree)
                + table.retired.map(\.tree)
        }
        let overflow = context.catalog.overflow
        let dropped = context.catalog.droppedTrees.map(\.tree.database)
        for database in trees.map(\.database) + dropped + [overflow.long] {
            unsafe walkRaw(database, table) { _, key, value in
                if database == overflow.long, key.count > LongKey.layerByteCount {
                    layers.insert(unsafe try LongKey.layer(.init(rebasing: key[..<8])))
                }
                if key.count == LongKey.markedByteCount, unsafe key.last == LongKey.more {
                    pointers[unsafe try LongKey.layer(value), default: 0] += 1
                }
            }
        }
        for (layer, count) in pointers where count > 1 || !layers.contains(layer) {
            report(.lostOverflow, table, nil, nil)
        }
        for layer in layers where pointers[layer] == nil {
            report(.strayOverflow, table, nil, nil)
        }
        verifyChunks(table, overflow)
    }

    private mutating func verifyChunks(_ table: TableHandle, _ overflow: Overflow) {
        var counts: [UInt64: Int] = [:]
        unsafe walkRaw(overflow.chunks, table) { _, key, _ in
            guard key.count == 12 else { throw Wire.corrupted("a chunk's key") }
            counts[unsafe try LongKey.layer(.init(rebasing: key[..<8])), default: 0] += 1
        }
        // Trees that are being emptied own chunks, too. Several entries of an item may share them,
        // and they go with the first of these entries.
        var emptied: [Tree] = []
        for retired in context.catalog.allTables.flatMap(\.retired) where retired.part.ownsChunks {
            emptied.append(retired.tree)
        }
        for dropped in context.catalog.droppedTrees where dropped.part.ownsChunks {
            emptied.append(dropped.tree)
        }
        for tree in emptied {
            unsafe walk(tree, table, nil) { verifier, _, value in
                guard let large = unsafe try? LargeValue(value), counts[large.id] != nil else {
                    return
                }
                verifier.large[large.id] = large
            }
        }
        for value in large.values where counts.removeValue(forKey: value.id) != value.chunkCount {
            report(.lostOverflow, table, nil, nil)
        }
        for _ in counts { report(.strayOverflow, table, nil, nil) }
    }

    // MARK: Reading

    private func image(
        _ value: Bytes, _ key: Bytes, _ keys: any KeyAttributeDecoder
    ) -> Image? {
        unsafe try? context.withItem(value, key, keys) {
            Image(item: try $0.item(), header: $0.layout.header)
        }
    }

    private func value(_ tree: Tree, _ key: [UInt8]) throws -> Bytes? {
        unsafe try context.transaction.get(tree, key)
    }

    private func storedItem(_ table: TableHandle, _ key: [UInt8]) throws -> Image? {
        guard let value = unsafe try value(table.tree, key) else { return nil }
        return unsafe key.withUnsafeBufferPointer { unsafe image(value, $0, table.plan) }
    }

    private mutating func walk(
        _ tree: Tree, _ table: TableHandle, _ part: String?,
        _ body: (inout Verifier, Bytes, Bytes) throws -> Void
    ) {
        let transaction = context.transaction
        do {
            try transaction.withCursor(tree) { unsafe try walk(&$0, body) }
        } catch {
            report(.unreadableTree, table, part, nil)
        }
    }

    private mutating func walkRaw(
        _ database: DatabaseID, _ table: TableHandle,
        _ body: (inout Verifier, Bytes, Bytes) throws -> Void
    ) {
        let transaction = context.transaction
        do {
            try transaction.withCursor(database) { unsafe try walk(&$0, body) }
        } catch {
            report(.unreadableTree, table, nil, nil)
        }
    }

    private mutating func walk(
        _ cursor: inout Cursor, _ body: (inout Verifier, Bytes, Bytes) throws -> Void
    ) throws {
        var entry = unsafe try cursor.first()
        while let current = unsafe entry {
            unsafe try body(&self, current.key, current.value)
            unsafe entry = try cursor.next()
        }
    }
}

extension AttributeValue {
    /// The bytes of a string or binary value, which limits apply to.
    fileprivate var keyByteCount: Int {
        switch self {
        case .string(let text): text.utf8.count
        case .binary(let data): data.count
        default: 1
        }
    }
}

extension AttributeMap {
    fileprivate func keeping(_ names: [String]) -> AttributeMap {
        var kept = AttributeMap()
        for name in names { kept[name] = self[name] }
        return kept
    }
}
