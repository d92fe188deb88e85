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
                environment.clearDeadReaders()
                if !options.isReadOnly { try lengthen(path, environment) }
                let transaction = try environment.begin(readOnly: options.isReadOnly)
                let catalog: Catalog
                do throws(CodexError) {
                    catalog = try contents(transaction, schema, isReadOnly: options.isReadOnly)
                } catch {
                    transaction.abort()
                    throw error
                }
                // Also after reading only: an abort would close the handles that were opened.
                try transaction.commit()
                if !options.isReadOnly { try StoreDirectory(path).raiseMarker() }
                return StoreCore(
                    path: path, identity: identity, environment: environment, catalog: catalog,
                    options: options)
            } catch {
                environment.close()
                throw error
            }
        } catch {
            OpenStores.leave(identity)
            throw error
        }
    }

    /// Makes a data file that lacks pages as long as it says, if nothing but free pages is missing.
    ///
    /// The write transaction holds off other processes' commits, which lengthen the file too.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if a page in use is missing; the file is then as it
    ///   was.
    private static func lengthen(
        _ path: String, _ environment: Environment
    ) throws(CodexError) {
        let file = path + "/" + StoreDirectory.dataFile
        func missing() throws(CodexError) -> (pages: Range<Int>, pageByteCount: Int) {
            let usage = try environment.usage()
            let there = try FileSystem.byteCount(file) / usage.pageByteCount
            return (min(there, usage.pageCount)..<usage.pageCount, usage.pageByteCount)
        }
        guard try !missing().pages.isEmpty else { return }
        let lock = try environment.begin(readOnly: false)
        defer { lock.abort() }
        let (pages, pageByteCount) = try missing()
        guard !pages.isEmpty else { return }
        // Reading a page past the file's end would be a SIGBUS; a page of zeros is an error.
        try FileSystem.setByteCount(pages.upperBound * pageByteCount, of: file)
        let free = Result { () throws(CodexError) in try environment.freePages(in: pages) }
        guard case .success(pages.count) = free else {
            try FileSystem.setByteCount(pages.lowerBound * pageByteCount, of: file)
            throw StoreDirectory.cut(path)
        }
    }

    /// Reads the manifest (or, in an empty environment, writes one), applies additions, and opens
    /// all databases.
    private static func contents(
        _ transaction: Transaction, _ schema: Schema?, isReadOnly: Bool
    ) throws(CodexError) -> Catalog {
        guard let meta = try transaction.open(Catalog.metaName, create: !isReadOnly) else {
            throw CodexError(.corrupted, "The store has no manifest. Restore from a backup.")
        }
        var manifest: Manifest
        var isChanged = false
        var isOld = false
        if let json = unsafe try transaction.get(meta, Manifest.key) {
            manifest = try Manifest(json: unsafe Array(json))
            isOld = manifest.format < Manifest.currentFormat
            guard !isOld || !isReadOnly else {
                throw CodexError(
                    .unsupportedFormat,
                    "The store has format \(manifest.format), an earlier release's. "
                        + "Open it once for writing, which brings it to \(Manifest.currentFormat).")
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
        if isOld { manifest.raiseFormat() }
        let catalog = try StoreCore.store(manifest, isChanged: isChanged || isOld, transaction)
        if isOld { try recutLongKeys(catalog, transaction) }
        return catalog
    }

    /// Brings the keys of a store of format 1 to how format 2 has them: those of 510 and 511 bytes
    /// stood as they are.
    private static func recutLongKeys(
        _ catalog: Catalog, _ transaction: Transaction
    ) throws(CodexError) {
        for table in catalog.allTables {
            for tree in [table.tree] + table.indexes.map(\.tree) {
                var entries: [(key: [UInt8], value: [UInt8])] = []
                do {
                    try transaction.withCursor(tree.database) { cursor in
                        var entry = unsafe try cursor.first()
                        while let current = unsafe entry {
                            if unsafe current.key.count >= LongKey.pieceByteCount {
                                entries.append(unsafe (Array(current.key), Array(current.value)))
                            }
                            unsafe entry = try cursor.next()
                        }
                    }
                } catch {
                    throw CodexError.wrapping(error)
                }
                // All go before any comes: an old key may be spelled as another's new one.
                for entry in entries { try transaction.delete(tree.database, entry.key) }
                for entry in entries { try transaction.put(tree, entry.key, entry.value) }
            }
        }
    }
}
