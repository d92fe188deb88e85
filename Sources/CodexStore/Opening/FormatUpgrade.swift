internal import CodexCore
internal import FoundationEssentials

/// Upgrades the manifest of a store of an earlier format, and a store without a log (formats 1 and
/// 2) as a whole.
enum FormatUpgrade {
    /// Makes the changes of a manifest that every opening of a store of an earlier release makes:
    /// the current format, and the binding of encrypted values.
    ///
    /// - Returns: Whether there were any.
    static func bringUpToDate(_ manifest: inout Manifest) -> Bool {
        let isRaised = manifest.raiseFormat()
        return manifest.bindSealedFields() || isRaised
    }

    /// Upgrades a store of an earlier release to the current format, if it has no log yet.
    ///
    /// The marker is raised last: if the upgrade is interrupted, it begins again. A store with a
    /// log is opened as it is, since all its changes must be in the log.
    static func upgrade(
        _ directory: Directory, _ options: StoreOptions, isAlone: Bool
    ) throws(CodexError) {
        guard isAlone else {
            throw CodexError(
                .notWritable,
                "The store has an earlier format, and another process has it open. Close it there.")
        }
        guard try StoreDirectory.format(directory) < StoreFormat.logged else { return }
        try Recovery.requireNoStranger(directory, options)
        let environment = try Environment(directory, readOnly: false, flushes: true)
        let storeID: UUID
        do throws(CodexError) {
            try lengthen(directory, environment)
            storeID = try raiseFormat(environment)
        } catch {
            environment.close()
            throw error
        }
        environment.close()
        try StoreCreation.beginLog(directory, storeID, options)
        try StoreDirectory.raiseMarker(directory)
    }

    private static func raiseFormat(_ environment: Environment) throws(CodexError) -> UUID {
        var storeID: UUID?
        try StoreCreation.write(environment) { transaction throws(CodexError) in
            guard let meta = try transaction.open(Catalog.metaName, create: false),
                let json = unsafe try transaction.get(meta, Manifest.key)
            else {
                throw CodexError(.corrupted, "The store has no manifest. Restore from a backup.")
            }
            var manifest = try Manifest(json: unsafe Array(json))
            storeID = manifest.storeID
            let format = manifest.format
            manifest.raiseFormat()
            let catalog = try ManifestEditor.write(manifest, transaction)
            if format == 1 { try recutLongKeys(catalog, transaction) }
            let old = try LogPosition.bytesIfStored(transaction, meta)
            let sequence = try old.map { bytes throws(CodexError) in
                try LogPosition(bytes).sequence
            }
            let start = StoreCreation.firstPosition(sequence ?? 0)
            try LogPosition.put(start.bytes, transaction, meta)
        }
        guard let storeID else { throw Wire.corrupted("the manifest") }
        return storeID
    }

    /// Extends a data file that lacks pages to its recorded length, if only free pages are missing.
    ///
    /// The write transaction prevents commits of other processes, which extend the file too.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if a page in use is missing; then the file is
    ///   unchanged.
    private static func lengthen(
        _ directory: Directory, _ environment: Environment
    ) throws(CodexError) {
        let file = try File(StoreDirectory.dataFile, in: directory, .write)
        defer { file.close() }
        func missing() throws(CodexError) -> (pages: Range<Int>, pageByteCount: Int) {
            let usage = try environment.usage()
            let there = try file.byteCount() / usage.pageByteCount
            return (min(there, usage.pageCount)..<usage.pageCount, usage.pageByteCount)
        }
        guard try !missing().pages.isEmpty else { return }
        let lock = try environment.begin(readOnly: false)
        defer { lock.abort() }
        let (pages, pageByteCount) = try missing()
        guard !pages.isEmpty else { return }
        // Reading a page past the file's end would raise SIGBUS; a page of zeros gives an error.
        try file.setByteCount(pages.upperBound * pageByteCount)
        let free = Result { () throws(CodexError) in try environment.freePages(in: pages) }
        guard case .success(pages.count) = free else {
            try file.setByteCount(pages.lowerBound * pageByteCount)
            throw StoreDirectory.cut(directory.path)
        }
    }

    /// Converts the long keys of a store of format 1 to format 2.
    ///
    /// Format 1 stored keys of 510 and 511 bytes as they are.
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
                // All old keys are deleted before new ones are stored: an old key may equal the new
                // form of another.
                for entry in entries { try transaction.delete(tree.database, entry.key) }
                for entry in entries { try transaction.put(tree, entry.key, entry.value) }
            }
        }
    }
}
