import CodexIndex

@testable import CodexCore
@testable import CodexStore

/// Items as stores of format 3 had them: encrypted values were told by how they begin.
enum FormatThree {
    /// Stores items of CodexFlow's table in that form, in one transaction.
    ///
    /// - Parameters:
    ///   - items: The items.
    ///   - seals: Whether their encrypted fields are encrypted, as that format did.
    ///   - store: The store.
    static func put(_ items: [Item], sealing seals: Bool = false, _ store: Store) async throws {
        try await store.write { transaction in
            for item in items { try put(item, seals, transaction.context) }
        }
    }

    private static func put(_ item: Item, _ seals: Bool, _ context: WriteContext) throws {
        let table = try context.catalog.table(CodexFlow.table)
        let primaryKey = try table.plan.definition.primaryKey(of: item)
        var key: [UInt8] = []
        try table.plan.encode(primaryKey, into: &key)
        let old = try context.image(table, key)
        let header = try context.writes.replacing(table, primaryKey, old, with: item).header
        var sealed = item
        if seals, let fields = context.catalog.sealedFields(header.entityNumber) {
            let options = context.core.options.with { $0.sealedFieldBinding = .portable }
            sealed = try fields.sealed(item, keeping: nil, options)
        }
        // Setting each value takes its seal away.
        let untagged = Item(sealed.map { ($0.name, $0.value) })
        var stored = try ItemCodec.encode(
            untagged, header: header, excluding: table.plan.keyNames, shapes: context)
        stored[0] = ItemCodec.untaggedVersion << 4 | stored[0] & 0x0F
        let new = try context.decode(stored, key, table)
        let change = Change(table: table, key: key, old: old, new: new)
        for bytes in try context.items.apply([change], isUndo: true) {
            context.noteItem(change, bytes)
        }
    }

    /// Has the next opening decide the values, as in a store that was of format 3.
    static func markUnread(_ store: Store) async throws {
        // The builder of this one has looked for work, and does not hear of this.
        try await store.waitUntilReady()
        store.core.workArrived.withLock { $0 = nil }
        try await store.changeManifest { manifest, _ throws(CodexError) in
            for name in manifest.tables.keys { manifest.tables[name]?.undecided = .unread }
            return true
        }
    }

    /// What the manifest says is to be decided in CodexFlow's table: `unread`, `waiting` or
    /// nothing.
    static func undecided(_ store: Store) throws -> String? {
        let manifest = try store.core.refreshCatalog().manifest
        return manifest.tables[CodexFlow.table]?.undecided?.rawValue
    }

    /// Whether the progress of deciding is kept.
    static func hasProgress(_ store: Store) throws -> Bool {
        try store.core.withReadContext { context in
            let table = try context.catalog.table(CodexFlow.table)
            let key = BuildProgress.key(table, DecidingProgress.part)
            return try context.transaction.get(context.catalog.meta, key) != nil
        }
    }

    /// How many items have that form.
    static func itemCount(_ store: Store) throws -> Int {
        var count = 0
        try store.read { snapshot in
            try snapshot.forEachItem(in: CodexFlow.table) { view in
                let version = view.withStoredBytes { $0[0] >> 4 }
                if version == ItemCodec.untaggedVersion { count += 1 }
                return true
            }
        }
        return count
    }

    /// The seal of an attribute of a blob as it is stored.
    static func seal(of name: String = "secret", _ id: String, _ store: Store) throws -> ValueSeal?
    {
        let item = try store.item(in: CodexFlow.table, key: Blob.key(id))
        return item?.element(named: name)?.seal
    }

    /// The records that followers get after a commit, of which there must be some.
    static func records(of store: Store, after sequence: UInt64) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await chunk in store.replicationStream(after: sequence) {
            bytes += chunk
            // One of less than a mebibyte has the last commit.
            if chunk.count < 1 << 20 { break }
        }
        return bytes
    }
}
