public import CodexCore
internal import CodexIndex

/// What ``Store/verify()`` found.
public struct VerificationReport: Sendable, Hashable {
    /// One difference between the items and what the indexes say.
    public struct Difference: Sendable, Hashable, CustomStringConvertible {
        /// What is wrong.
        public enum Kind: String, Sendable {
            /// An item cannot be read.
            case unreadableItem
            /// An index entry cannot be read.
            case unreadableEntry
            /// An item has no entry in an index that it belongs into.
            case missingEntry
            /// An entry belongs to no item, or not to its present state.
            case danglingEntry
            /// An entry's attributes are not those of its item.
            case wrongProjection
            /// Two items have the same key in a unique index.
            case duplicateKey
        }

        /// What is wrong.
        public let kind: Kind
        /// The table's name.
        public let table: String
        /// The index's name; `nil` is the table itself.
        public let index: String?
        /// The primary key of the item concerned, where it could be read.
        ///
        /// It is user data.
        public let key: PrimaryKey?

        /// The difference without its key.
        public var description: String {
            "\(kind.rawValue) in \(table)" + (index.map { ", index \($0)" } ?? "")
        }
    }

    /// The differences; a sound store has none.
    public let differences: [Difference]
    /// The number of items that were read.
    public let itemCount: Int
    /// The number of index entries that were read.
    public let entryCount: Int

    /// Whether no difference was found.
    public var isSound: Bool { differences.isEmpty }
}

extension Store {
    /// Recomputes every index from the items and lists each difference.
    ///
    /// It reads entries back into attribute values and compares those with the items, sharing the
    /// key and item encodings, but no code with what maintains the indexes. It runs on one snapshot; writes go on meanwhile.
    ///
    /// - Throws: ``CodexError/Code/closed``, ``CodexError/Code/inputOutput``. Damage is reported,
    ///   not thrown.
    /// - Complexity: O(*n* log *n*) for *n* items and entries; memory for one item at a time.
    public func verify() throws -> VerificationReport {
        try core.withReader { context in
            var verifier = Verifier(context: context)
            for table in core.allTables {
                try verifier.verifyItems(table)
                for index in table.indexes { try verifier.verifyEntries(table, index) }
            }
            return VerificationReport(
                differences: verifier.differences, itemCount: verifier.itemCount,
                entryCount: verifier.entryCount)
        }
    }
}

/// Reads everything and compares.
///
/// An item belongs into an index if it has all key attributes (and is of one of the index's
/// entities); its entry then holds exactly the projected attributes.
private struct Verifier {
    let context: ReadContext
    var differences: [VerificationReport.Difference] = []
    var itemCount = 0
    var entryCount = 0

    private mutating func report(
        _ kind: VerificationReport.Difference.Kind, _ table: TableHandle, _ index: IndexHandle?,
        _ key: PrimaryKey?
    ) {
        differences.append(
            .init(kind: kind, table: table.name, index: index?.plan.definition.name, key: key))
    }

    /// Looks for each item's entries.
    mutating func verifyItems(_ table: TableHandle) throws {
        let attributes = table.plan.definition.keyAttributes
        unsafe try walk(table.database) { verifier, key, value in
            verifier.itemCount += 1
            guard let item = unsafe verifier.item(value, key, table.plan) else {
                verifier.report(.unreadableItem, table, nil, nil)
                return
            }
            let values = attributes.compactMap { item.item[$0.name] }
            let primaryKey = PrimaryKey(values[0], values.dropFirst().first)
            for index in table.indexes
            where verifier.belongs(item, index.plan.definition) {
                guard try verifier.hasEntry(for: item.item, primaryKey, index) else {
                    verifier.report(.missingEntry, table, index, primaryKey)
                    continue
                }
            }
        }
    }

    /// Looks for each entry's item.
    mutating func verifyEntries(_ table: TableHandle, _ index: IndexHandle) throws {
        let definition = index.plan.definition
        var previous: [AttributeValue]?
        unsafe try walk(index.database) { verifier, key, value in
            verifier.entryCount += 1
            guard let entry = unsafe verifier.item(value, key, index.plan) else {
                verifier.report(.unreadableEntry, table, index, nil)
                return
            }
            let values = table.plan.definition.keyAttributes.compactMap { entry.item[$0.name] }
            let primaryKey = PrimaryKey(values[0], values.dropFirst().first)
            let indexKey = definition.keyAttributes.compactMap { entry.item[$0.name] }
            if definition.isUnique, previous == indexKey {
                verifier.report(.duplicateKey, table, index, primaryKey)
            }
            previous = indexKey
            guard let stored = try verifier.storedItem(table, primaryKey),
                verifier.belongs(stored, definition),
                definition.keyAttributes.compactMap({ stored.item[$0.name] }) == indexKey
            else {
                verifier.report(.danglingEntry, table, index, primaryKey)
                return
            }
            var expected = stored.item
            let keys = (table.plan.definition.keyAttributes + definition.keyAttributes).map(\.name)
            switch definition.projection {
            case .all: break
            case .keysOnly: expected = expected.keeping(keys)
            case .include(let names): expected = expected.keeping(keys + names)
            }
            let sameVersion =
                definition.projection != .all || entry.header.version == stored.header.version
            if entry.item != expected || !sameVersion
                || entry.header.entityNumber != stored.header.entityNumber
            {
                verifier.report(.wrongProjection, table, index, primaryKey)
            }
        }
    }

    private func belongs(_ image: Image, _ definition: IndexDefinition) -> Bool {
        if let entities = definition.entities {
            guard let name = context.core.entityName(image.header.entityNumber),
                entities.contains(name)
            else { return false }
        }
        return definition.keyAttributes.allSatisfy { image.item[$0.name] != nil }
    }

    private func item(
        _ value: UnsafeBufferPointer<UInt8>, _ key: UnsafeBufferPointer<UInt8>,
        _ keys: any KeyAttributeDecoder
    ) -> Image? {
        do throws(CodexError) {
            let bytes = try unsafe ItemBytes(value: value, key: key, keys: keys, shapes: context)
            return Image(item: try bytes.item(), header: bytes.layout.header)
        } catch {
            return nil
        }
    }

    private func storedItem(_ table: TableHandle, _ key: PrimaryKey) throws -> Image? {
        var encoded: [UInt8] = []
        // A key that cannot be encoded came from a damaged entry; there is no item for it.
        guard (try? table.plan.encode(key, into: &encoded)) != nil,
            let value = unsafe try context.transaction.get(table.database, encoded)
        else { return nil }
        return unsafe encoded.withUnsafeBufferPointer { unsafe item(value, $0, table.plan) }
    }

    /// Whether the index has an entry with these values.
    ///
    /// The key is put together here, part by part, from the ordered encoding alone.
    private func hasEntry(
        for item: Item, _ primaryKey: PrimaryKey, _ index: IndexHandle
    ) throws -> Bool {
        var key: [UInt8] = []
        for attribute in index.plan.definition.keyAttributes {
            guard let value = item[attribute.name],
                value.type == attribute.type.attributeType
            else { return false }
            OrderedKey.append(value, isLast: false, to: &key)
        }
        OrderedKey.append(primaryKey.partition, isLast: primaryKey.sort == nil, to: &key)
        if let sort = primaryKey.sort { OrderedKey.append(sort, isLast: true, to: &key) }
        return unsafe try context.transaction.get(index.database, key) != nil
    }

    private mutating func walk(
        _ database: DatabaseID,
        _ body: (
            inout Verifier, UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>
        ) throws -> Void
    ) throws {
        let transaction = context.transaction
        try transaction.withCursor(database) { cursor in
            var entry = unsafe try cursor.first()
            while let current = unsafe entry {
                unsafe try body(&self, current.key, current.value)
                unsafe entry = try cursor.next()
            }
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
