package import CodexCore
internal import CodexIndex

/// The typed reads of a write transaction as a value.
///
/// A transaction cannot be passed to code that takes an existential.
///
/// It is valid while the closure of ``Store/write(_:)-(_)`` runs, on the closure's thread.
package struct TransactionReader {
    let base: WriteContext

    /// Most items that a list without unreadable items passes over: the writer waits meanwhile.
    private static let unreadableCountMax = 1000

    /// The entity that the lookup names, or `nil`.
    ///
    /// - Throws: As ``ReadableTransaction/get(_:)``.
    package func get<E: Entity>(_ lookup: Lookup<E>) throws -> E? {
        var entity: E?
        try _ReadableContext(base: base).readOne(E.self, lookup.target) {
            reader throws(CodexError) in entity = try E(reading: reader)
        }
        return entity
    }

    /// The entities that the query names, up to `limit`.
    ///
    /// - Throws: As ``ReadableTransaction/query(_:limit:after:)``.
    package func all<E: Entity>(_ query: Query<E>, limit: Int?) throws -> [E] {
        var found: [E] = []
        _ = try _ReadableContext(base: base).readEach(E.self, query.request, limit, nil) {
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
            _ = try _ReadableContext(base: base).readEach(
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
