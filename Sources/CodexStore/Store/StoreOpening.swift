internal import CodexCore

/// Opening: from a directory to a ``StoreCore``.
enum StoreOpening {
    /// Writes the first contents of a new store.
    static func fill(_ path: String, _ schema: Schema) throws(CodexError) {
        let environment = try Environment(path: path, readOnly: false)
        defer { environment.close() }
        let transaction = try environment.begin(readOnly: false)
        do throws(CodexError) {
            _ = try contents(transaction, schema, isReadOnly: false)
        } catch {
            transaction.abort()
            throw error
        }
        try transaction.commit()
    }

    /// Opens a store that is there.
    static func open(
        _ path: String, schema: Schema?, options: StoreOptions
    ) throws(CodexError) -> StoreCore {
        let identity = try FileSystem.identity(path)
        try OpenStores.enter(identity, path: path)
        do throws(CodexError) {
            let environment = try Environment(
                path: path, readOnly: options.isReadOnly, mapByteCount: options.mapByteCount)
            do throws(CodexError) {
                let transaction = try environment.begin(readOnly: options.isReadOnly)
                let result: (Manifest, OpenDatabases)
                do throws(CodexError) {
                    result = try contents(transaction, schema, isReadOnly: options.isReadOnly)
                } catch {
                    transaction.abort()
                    throw error
                }
                // Also after reading only: an abort would close the handles that were opened.
                try transaction.commit()
                return StoreCore(
                    path: path, identity: identity, environment: environment, manifest: result.0,
                    options: options, databases: result.1)
            } catch {
                environment.close()
                throw error
            }
        } catch {
            OpenStores.leave(identity)
            throw error
        }
    }

    /// Reads the manifest (or, in an empty environment, writes one), applies additions, and opens
    /// all databases.
    private static func contents(
        _ transaction: Transaction, _ schema: Schema?, isReadOnly: Bool
    ) throws(CodexError) -> (Manifest, OpenDatabases) {
        guard let meta = try transaction.open(OpenDatabases.metaName, create: !isReadOnly) else {
            throw CodexError(.corrupted, "The store has no manifest. Restore from a backup.")
        }
        var manifest: Manifest
        var isChanged = false
        if let json = unsafe try transaction.get(meta, Manifest.key) {
            manifest = try Manifest(json: unsafe Array(json))
            guard manifest.format <= Manifest.currentFormat else {
                throw CodexError(
                    .unsupportedFormat,
                    "The store has format \(manifest.format); this release reads up to "
                        + "\(Manifest.currentFormat). Use a newer release.")
            }
            if let schema {
                isChanged = try manifest.merge(schema)
                guard !isChanged || !isReadOnly else {
                    throw CodexError(
                        .schemaMismatch,
                        "The schema has additions, which a read-only store cannot take. "
                            + "Open it once for writing, or without a schema.")
                }
            }
        } else {
            guard let schema, !isReadOnly else {
                throw CodexError(.corrupted, "The store has no manifest. Restore from a backup.")
            }
            manifest = Manifest(schema: schema)
            isChanged = true
        }
        if isChanged { try transaction.put(meta, Manifest.key, try manifest.json()) }
        return (
            manifest,
            try OpenDatabases(manifest, meta: meta, transaction, create: !isReadOnly)
        )
    }
}
