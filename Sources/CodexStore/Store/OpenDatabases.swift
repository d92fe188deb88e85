internal import CodexCore

/// The LMDB databases of a store.
///
/// Opening them is done once, in a transaction of its own, before anybody else uses the environment
/// (lmdb.h: handles are opened by one thread at a time).
struct OpenDatabases {
    struct Table {
        let items: DatabaseID
        let indexes: [DatabaseID]
    }

    let meta: DatabaseID
    let shapes: DatabaseID
    private(set) var tables: [String: Table] = [:]

    static let metaName = "meta"

    /// Opens, or in a write transaction creates, everything that the manifest names.
    init(_ manifest: Manifest, meta: DatabaseID, _ transaction: Transaction, create: Bool)
        throws(CodexError)
    {
        func open(_ name: String) throws(CodexError) -> DatabaseID {
            guard let database = try transaction.open(name, create: create) else {
                throw CodexError(
                    .corrupted,
                    "The store lacks a part that its manifest names. Restore from a backup.")
            }
            return database
        }
        self.meta = meta
        shapes = try open("shapes")
        for definition in manifest.schema.tables {
            guard let entry = manifest.tables[definition.name] else { continue }
            var indexes: [DatabaseID] = []
            for index in definition.indexes {
                indexes.append(try open("t\(entry.number).i\(entry.indexes[index.name] ?? 0)"))
            }
            tables[definition.name] = Table(
                items: try open("t\(entry.number)"), indexes: indexes)
        }
    }
}
