package import CodexCore
internal import CodexIndex

/// The typed reads of a write transaction as a value.
///
/// A transaction cannot be passed to code that takes an existential.
///
/// It is valid while the closure of ``Store/write(_:)-(_)`` runs, on the closure's thread.
///
/// Its keys are made from identifiers, and are right as they are. So a read that finds nothing does
/// not look for another spelling of the key: that would be the key of another item.
package struct TransactionReader {
    let base: WriteContext

    private var reads: _ReadableContext { _ReadableContext(base: base, checksSpelling: false) }

    /// Most items that a list without unreadable items passes over: the writer waits meanwhile.
    private static let unreadableCountMax = 1000
    /// The errors of a write that come from the item, and not from keys of encryption or the disk.
    private static let itemCodes: Set<CodexError.Code> = [
        .itemTooLarge, .keyTooLong, .invalidItem, .invalidKey, .invalidNumber, .typeMismatch,
        .valueNotSealed, .otherEntity,
    ]

    /// The entity that the lookup names, or `nil`.
    ///
    /// - Throws: As ``ReadableTransaction/get(_:)``.
    package func get<E: Entity>(_ lookup: Lookup<E>) throws -> E? {
        var entity: E?
        try reads.readOne(E.self, lookup.target) {
            reader throws(CodexError) in entity = try E(reading: reader)
        }
        return entity
    }

    /// The entities that the query names, up to `limit`.
    ///
    /// - Throws: As ``ReadableTransaction/query(_:limit:after:)``.
    package func all<E: Entity>(_ query: Query<E>, limit: Int?) throws -> [E] {
        var found: [E] = []
        _ = try reads.readEach(E.self, query.request, limit, nil) {
            reader throws(CodexError) in found.append(try E(reading: reader))
        }
        return found
    }

    /// The entities that the query names, up to `limit`, without those that cannot be read.
    ///
    /// After a bounded number of items that cannot be read, the list ends.
    ///
    /// - Throws: As ``ReadableTransaction/query(_:limit:after:onFailure:)``.
    package func readable<E: Entity>(_ query: Query<E>, limit: Int?) throws -> [E] {
        var found: [E] = []
        var unreadableCount = 0
        do {
            _ = try reads.readEach(
                E.self, query.request, limit, nil,
                onFailure: { error in
                    unreadableCount += 1
                    if unreadableCount > Self.unreadableCountMax { throw error }
                }
            ) { reader throws(CodexError) in found.append(try E(reading: reader)) }
        } catch let error as CodexError
            where error.isOfItem && unreadableCount > Self.unreadableCountMax
        {
            return found
        }
        return found
    }

    /// Whether the store takes an entity in place of the stored one, whose other attributes stay.
    ///
    /// It changes nothing. An item that is too large, and a key that is too long, are refused. The
    /// errors of the write itself, such as that of a full disk, are left to it.
    package func takes(_ entity: some Entity) -> Bool {
        guard let refusal = base.entityWrites.refusal(ofReplacementBy: entity) else { return true }
        return !Self.itemCodes.contains(refusal.code)
    }
}

extension Store {
    /// The entity that the lookup names, or `nil`; another spelling of its key is not looked for.
    ///
    /// - Throws: As ``get(_:)``, but for ``CodexError/Code/invalidKey`` of another spelling.
    package func exactly<E: Entity>(_ lookup: Lookup<E>) throws -> E? {
        try read { snapshot -> E? in
            let reads = _ReadableContext(base: snapshot.reader, checksSpelling: false)
            var entity: E?
            for target in lookup.targets where entity == nil {
                try reads.readOne(E.self, target) { reader throws(CodexError) in
                    entity = try E(reading: reader)
                }
            }
            return entity
        }
    }

    /// A page of the entities that the query names; another spelling of its keys is not looked for.
    ///
    /// - Parameters:
    ///   - query: The query.
    ///   - limit: The maximum number of entities; `nil` for all.
    ///   - token: The token of the previous page; `nil` for the first page.
    ///   - onFailure: Gets the error of an item that cannot be read. By default it throws it.
    /// - Returns: The page.
    /// - Throws: As ``query(_:limit:after:)``, but for ``CodexError/Code/invalidKey`` of another
    ///   spelling; the errors of `onFailure`.
    package func exactPage<E: Entity>(
        of query: Query<E>, limit: Int?, after token: PageToken?,
        onFailure: (CodexError) throws -> Void = { throw $0 }
    ) throws -> Page<E> {
        try read { snapshot -> Page<E> in
            let reads = _ReadableContext(base: snapshot.reader, checksSpelling: false)
            var items: [E] = []
            let (next, examined) = try reads.readEach(
                E.self, query.request, limit, token, onFailure: onFailure
            ) { reader throws(CodexError) in items.append(try E(reading: reader)) }
            return Page(items: items, next: next, examinedCount: examined)
        }
    }
}

extension WriteTransaction {
    /// The transaction's typed reads.
    package var reader: TransactionReader { TransactionReader(base: context) }

    /// The tables and entities as the transaction sees them.
    package var schema: Schema { context.catalog.manifest.schema }

    /// Stores an entity, and keeps stored attributes that its type does not know.
    ///
    /// - Throws: As ``put(_:)``.
    package mutating func overwrite<E: Entity>(_ entity: E) throws(CodexError) {
        try context.entityWrites.write(entity, keepsUnknown: true) { _ throws(CodexError) in }
    }

    /// Removes the entity with the key of `entity`.
    ///
    /// - Throws: As ``delete(in:key:condition:returning:)``.
    package mutating func remove<E: Entity>(_ entity: E) throws(CodexError) {
        let definition = try context.binding(E.self).table.plan.definition
        try delete(in: definition.name, key: try definition.primaryKey(of: try entity.item()))
    }

    /// Decodes an item, and opens its encrypted fields whose keys are available.
    ///
    /// - Throws: ``CodexError/Code/corrupted``.
    package func opened(_ view: borrowing ItemView) throws -> Item {
        try SealedFields.opened(try view.item(), view.header, context.catalog, context.core)
    }
}

extension Store {
    /// Decodes an item, and opens its encrypted fields whose keys are available.
    ///
    /// - Throws: ``CodexError/Code/corrupted``.
    package func opened(_ view: borrowing ItemView) throws -> Item {
        try SealedFields.opened(try view.item(), view.header, core.catalog, core)
    }
}
