internal import CodexCore
internal import CodexIndex
internal import Dispatch
internal import FoundationEssentials
internal import Synchronization

/// An index's plan and its database.
struct IndexHandle: Sendable {
    let plan: IndexPlan
    let database: DatabaseID
}

/// A table's plan and its databases.
final class TableHandle: Sendable {
    let plan: TablePlan
    let database: DatabaseID
    let indexes: [IndexHandle]
    /// The entities whose items are in the table.
    let entities: [EntityBinding]

    init(
        plan: TablePlan, database: DatabaseID, indexes: [IndexHandle], entities: [EntityBinding]
    ) {
        self.plan = plan
        self.database = database
        self.indexes = indexes
        self.entities = entities
    }

    var name: String { plan.definition.name }

    func index(_ name: String) throws(CodexError) -> IndexHandle {
        guard let index = indexes.first(where: { $0.plan.definition.name == name }) else {
            let known = indexes.map(\.plan.definition.name).joined(separator: ", ")
            throw CodexError(
                .unknownIndex,
                "Table \(self.name) has no index \(name)."
                    + (known.isEmpty ? "" : " It has: \(known)."))
        }
        return index
    }

    /// The entity that a primary key belongs to, by the entities' templates.
    func entity(of key: PrimaryKey) -> EntityBinding? {
        entities.first { $0.definition.matches(key, in: plan.definition) }
    }
}

/// An entity and its number in the store.
final class EntityBinding: Sendable {
    let definition: EntityDefinition
    let number: Int

    init(_ definition: EntityDefinition, number: Int) {
        self.definition = definition
        self.number = number
    }
}

/// Everything behind a ``Store``: what is open, and who may still use it.
final class StoreCore: Sendable {
    let path: String
    let environment: Environment
    let manifest: Manifest
    let options: StoreOptions
    let meta: DatabaseID
    let shapes: DatabaseID
    private let tables: [String: TableHandle]
    private let bindings: [String: EntityBinding]
    let storeID: [UInt8]
    private let identity: FileSystem.Identity

    private struct State {
        var idle: [ReadContext] = []
        var activeReaderCount = 0
        var isClosed = false
        var isFinished = false
    }
    private let state = Locked(State())
    /// Signalled once the environment is closed.
    private let finished = DispatchSemaphore(value: 0)

    init(
        path: String, identity: FileSystem.Identity, environment: Environment, manifest: Manifest,
        options: StoreOptions, databases: OpenDatabases
    ) {
        self.path = path
        self.identity = identity
        self.environment = environment
        self.manifest = manifest
        self.options = options
        meta = databases.meta
        shapes = databases.shapes
        let bindings = manifest.schema.entities.map {
            EntityBinding($0, number: manifest.entities[$0.name] ?? 0)
        }
        self.bindings = Dictionary(uniqueKeysWithValues: bindings.map { ($0.definition.name, $0) })
        var tables: [String: TableHandle] = [:]
        for definition in manifest.schema.tables {
            guard let opened = databases.tables[definition.name] else { continue }
            let plan = TablePlan(definition)
            tables[definition.name] = TableHandle(
                plan: plan, database: opened.items,
                indexes: zip(plan.indexes, opened.indexes).map {
                    IndexHandle(plan: $0, database: $1)
                },
                entities: bindings.filter { $0.definition.table == definition.name })
        }
        self.tables = tables
        storeID = Array(manifest.storeID.uuidString.utf8)
    }

    func table(_ name: String) throws(CodexError) -> TableHandle {
        if let table = tables[name] { return table }
        _ = try manifest.schema.table(name)
        throw CodexError(.unknownTable, "There is no table \(name).")
    }

    var allTables: [TableHandle] { tables.values.sorted { $0.name < $1.name } }

    func binding(_ definition: EntityDefinition) throws(CodexError) -> EntityBinding {
        guard let binding = bindings[definition.name] else {
            throw CodexError(
                .unknownEntity,
                "The store's schema has no entity \(definition.name). "
                    + "Open the store with a schema that has it.")
        }
        return binding
    }

    func entityName(_ number: Int) -> String? {
        bindings.values.first { $0.number == number }?.definition.name
    }

    // MARK: Readers

    /// Lends a context with a fresh snapshot.
    @inline(__always)
    func withReader<R>(_ body: (ReadContext) throws -> R) throws -> R {
        let context = try takeReader()
        defer { returnReader(context) }
        return try body(context)
    }

    func takeReader() throws(CodexError) -> ReadContext {
        let (idle, isClosed) = state.withLock { state -> (ReadContext?, Bool) in
            if state.isClosed { return (nil, true) }
            state.activeReaderCount += 1
            return (state.idle.popLast(), false)
        }
        if isClosed { throw Self.closed }
        do throws(CodexError) {
            guard let idle else {
                return ReadContext(self, try environment.begin(readOnly: true))
            }
            do throws(CodexError) {
                try idle.renew()
            } catch {
                // The slot is as it was, without a snapshot: keep it for the next reader.
                state.withLock { $0.idle.append(idle) }
                throw error
            }
            return idle
        } catch {
            readerEnded(nil)
            throw error
        }
    }

    func returnReader(_ context: ReadContext) {
        context.reset()
        readerEnded(context)
    }

    private func readerEnded(_ context: ReadContext?) {
        let isLast = state.withLock { state in
            state.activeReaderCount -= 1
            if let context { state.idle.append(context) }
            return state.isClosed && state.activeReaderCount == 0
        }
        if isLast { lastReaderEnded.signal() }
    }

    private let lastReaderEnded = DispatchSemaphore(value: 0)

    // MARK: Closing

    static var closed: CodexError {
        CodexError(.closed, "The store was closed. Open it again.")
    }

    /// Refuses readers from now on; returns whether this call was the first.
    func beginClosing() -> Bool {
        state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
    }

    /// Waits for running readers and closes the environment.
    ///
    /// Called once, after the writer ended.
    func finishClosing() {
        while state.withLock({ $0.activeReaderCount > 0 }) { lastReaderEnded.wait() }
        let idle = state.withLock { state in
            defer { state.idle = [] }
            return state.idle
        }
        for context in idle { context.abort() }
        environment.close()
        OpenStores.leave(identity)
        state.withLock { $0.isFinished = true }
        finished.signal()
    }

    /// Waits until ``finishClosing()`` is done; any number of callers may.
    func waitUntilFinished() {
        if state.withLock({ $0.isFinished }) { return }
        finished.wait()
        finished.signal()
    }
}
