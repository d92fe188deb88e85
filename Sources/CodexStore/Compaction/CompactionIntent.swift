internal import CodexCore

/// The file `compaction`, which makes the change of data file and checkpoint atomic.
///
/// Both files must change, and one step cannot rename both. While the file exists, the data file is
/// the old one or the compacted copy, and so is the checkpoint's. The meta pages show which data
/// file it is. A process that opens the store alone undoes or completes the compaction. Other
/// processes never see the file.
///
/// Byte map in `Docs/Format.md`.
struct CompactionIntent {
    /// The checkpoint of the copy.
    let checkpoint: Checkpoint

    static let name = "compaction"
    static let nextName = "compaction.new"
    private static let magic = Array("CODEXCPT".utf8)
    private static let format: UInt32 = 1
    private static let headByteCount = 16
    private static let byteCount = headByteCount + Checkpoint.byteCount

    init(_ checkpoint: Checkpoint) { self.checkpoint = checkpoint }

    private var bytes: [UInt8] {
        let body = checkpoint.bytes
        var bytes = Self.magic
        LittleEndian.append(Self.format, to: &bytes)
        LittleEndian.append(
            Compression.checksum(body, in: 0..<body.count, after: 0), to: &bytes)
        return bytes + body
    }

    /// Reads the intent of a store; `nil` if there is none.
    ///
    /// - Throws: ``CodexError/Code/corrupted``, ``CodexError/Code/unsupportedFormat``.
    init?(of store: Directory) throws(CodexError) {
        guard try store.contains(Self.name) else { return nil }
        let bytes = try store.read(Self.name, limit: Self.byteCount + 1)
        guard bytes.count >= Self.headByteCount, Array(bytes.prefix(8)) == Self.magic else {
            throw Self.damaged(store.path)
        }
        let format = LittleEndian.integer(bytes, at: 8, as: UInt32.self)
        guard format == Self.format else {
            throw CodexError(
                .unsupportedFormat,
                "A compaction of \(store.path) that was cut short has format \(format); this "
                    + "release reads \(Self.format). Use a newer release.")
        }
        let body = Array(bytes.dropFirst(Self.headByteCount))
        guard bytes.count == Self.byteCount,
            Compression.checksum(body, in: 0..<body.count, after: 0)
                == LittleEndian.integer(bytes, at: 12, as: UInt32.self)
        else { throw Self.damaged(store.path) }
        checkpoint = try Checkpoint(body)
    }

    private static func damaged(_ path: String) -> CodexError {
        CodexError(
            .corrupted,
            "The file `\(name)` of \(path) is damaged. It is unknown whether a compaction ended "
                + "before or after it replaced the data file. Restore from a backup.")
    }

    // MARK: Steps

    /// Writes the file durably.
    func publish(in store: Directory) throws(CodexError) {
        try store.writeDurably(bytes, to: Self.nextName)
        try store.rename(Self.nextName, to: Self.name)
        try store.flush()
    }

    /// Publishes the copy's checkpoint and ends the compaction; the copy is already the data file.
    ///
    /// - Throws: The errors of flushing; the next opening then completes the compaction.
    func complete(
        in store: Directory, _ lease: StoreLease, reached: (ProtocolStep) -> Void = { _ in }
    ) throws(CodexError) {
        // The flush comes first: a checkpoint of the copy is useless with the old file.
        try lease.refusingWritesOnFailure { () throws(CodexError) in try store.flush() }
        try checkpoint.publish(in: store, lease)
        reached(.compactionPublished)
        try lease.refusingWritesOnFailure { () throws(CodexError) in try stamp(store) }
        try Self.remove(in: store, lease)
    }

    /// Writes the store's identifier into the copy.
    ///
    /// It must not be earlier: earlier releases do not know the intent, and refuse a data file
    /// without the identifier.
    private func stamp(_ store: Directory) throws(CodexError) {
        let file = try DataFile(store)
        defer { file.file.close() }
        try file.stamp(checkpoint.storeID)
        try file.file.flush()
    }

    /// Removes the file durably: from then on, data file and checkpoint match.
    ///
    /// - Throws: ``CodexError/Code/outcomeUnknown``; the store then refuses writes.
    static func remove(in store: Directory, _ lease: StoreLease) throws(CodexError) {
        store.remove(nextName)
        store.remove(name)
        try lease.refusingWritesOnFailure { () throws(CodexError) in
            guard try !store.contains(name) else {
                throw CodexError(.inputOutput, "The file `\(name)` cannot be removed.")
            }
            try store.flush()
        }
    }

    // MARK: Opening

    /// Undoes or completes an interrupted compaction.
    ///
    /// A process that opens the store alone calls it before it reads the checkpoint.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if the file is damaged, and the errors of reading
    ///   and flushing.
    static func resolve(
        in store: Directory, _ lease: StoreLease, _ options: StoreOptions
    ) throws(CodexError) {
        store.remove(nextName)
        if let intent = try CompactionIntent(of: store) {
            if try intent.isRenamed(in: store) {
                try intent.complete(in: store, lease)
                options.reached(.compactionCompleted)
            } else {
                try remove(in: store, lease)
                options.reached(.compactionUndone)
            }
        }
        // The copy goes last: without the intent it is useless.
        CompactedCopy.removeStaging(in: store)
    }

    /// Whether the copy has become the data file.
    ///
    /// No process writes to the copy before the intent is gone, and the old file has other trees.
    private func isRenamed(in store: Directory) throws(CodexError) -> Bool {
        let file = try DataFile(store, .read)
        defer { file.file.close() }
        return try file.newestMetaPage().numbered(0) == checkpoint.meta.numbered(0)
    }
}
