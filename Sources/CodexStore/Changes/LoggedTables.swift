internal import CodexCore
internal import CodexIndex
internal import FoundationEssentials
internal import Synchronization

/// The parts of a store that decoding the log's changes needs: its tables, entities and shapes.
///
/// A table's number is never used twice, and shapes are never removed, so known ones stay valid.
final class LoggedTables: ShapeSource, Sendable {
    private let core: StoreCore
    private let state: Locked<State>

    private struct State {
        var catalog: Catalog
        var plans: [Int: TablePlan] = [:]
        var shapes: [UInt32: Shape] = [:]
    }

    init(_ core: StoreCore) {
        self.core = core
        state = Locked(State(catalog: core.catalog))
    }

    /// The identifier of the store that has the changes.
    var storeID: UUID { state.withLock { $0.catalog.manifest.storeID } }

    /// The plan of a table that is in the catalog, or that was found before.
    private func table(_ number: Int) -> TablePlan? {
        state.withLock { state in
            if let plan = state.plans[number] { return plan }
            if let handle = try? state.catalog.table(number: number) {
                state.plans[number] = handle.plan
                return handle.plan
            }
            let dropped = state.catalog.manifest.dropped?.first { $0.number == number }
            if let definition = dropped?.definition {
                let plan = TablePlan(definition)
                state.plans[number] = plan
                return plan
            }
            return nil
        }
    }

    /// The plan of a table.
    func plan(_ number: Int) throws(CodexError) -> TablePlan {
        if let plan = table(number) { return plan }
        // The table was added since, perhaps by another process.
        let catalog = try core.refreshCatalog()
        state.withLock { $0.catalog = catalog }
        if let plan = table(number) { return plan }
        guard let plan = try removedTable(number) else {
            throw Wire.corrupted("a table's number in the log")
        }
        state.withLock { $0.plans[number] = plan }
        return plan
    }

    private func removedTable(_ number: Int) throws(CodexError) -> TablePlan? {
        do {
            return try core.withReadContext { reader in
                try RemovedTables.definition(number, reader.transaction, reader.catalog.meta)
                    .map { TablePlan($0) }
            }
        } catch {
            throw CodexError.wrapping(error)
        }
    }

    func name(_ number: Int) -> String? { (try? plan(number))?.definition.name }

    /// Throws if a table is unknown and cannot be found.
    func require(_ table: Int) throws(CodexError) { _ = try plan(table) }

    /// The name of an entity; `nil` for raw items, or if the entity cannot be found.
    func entityName(_ number: Int) -> String? { (try? requiredEntityName(number)) ?? nil }

    /// The name of an entity; `nil` for raw items.
    func requiredEntityName(_ number: Int) throws(CodexError) -> String? {
        guard number != 0 else { return nil }
        if let name = state.withLock({ $0.catalog.entityName(number) }) { return name }
        let catalog = try core.refreshCatalog()
        state.withLock { $0.catalog = catalog }
        guard let name = catalog.entityName(number) else {
            throw Wire.corrupted("an entity's number in the log")
        }
        return name
    }

    /// An item whose encrypted fields are opened if their keys are available.
    func opened(_ item: Item, _ header: ItemHeader) throws(CodexError) -> Item {
        var catalog = core.catalog
        // Another process may have bound the values of encrypted fields since.
        if catalog.hasSealedFields, catalog.manifest.bindingID == nil {
            catalog = try core.refreshCatalog()
        }
        return try SealedFields.opened(item, header, catalog, core)
    }

    func shape(_ id: UInt32) throws(CodexError) -> Shape {
        if let shape = state.withLock({ $0.shapes[id] }) { return shape }
        let shape: Shape
        do {
            shape = try core.withReadContext { try $0.shape(id) }
        } catch {
            throw CodexError.wrapping(error)
        }
        state.withLock { $0.shapes[id] = shape }
        return shape
    }
}
