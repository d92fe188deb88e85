internal import CodexCore

/// The file `compaction`, which makes data file and checkpoint change as one: both have to, and
/// they cannot be renamed in one step.
///
/// As long as it is there, the data file is the old one or the compacted copy, and the checkpoint is
/// of either. Which data file it is, its meta pages say. A process that opens the store alone undoes
/// the compaction or completes it; others never see the file.
///
/// Byte map in `Docs/Format.md`.
struct CompactionIntent {
    /// That of the copy.
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

    /// Writes it down, durably.
    func publish(in store: Directory) throws(CodexError) {
        try store.writeDurably(bytes, to: Self.nextName)
        try store.rename(Self.nextName, to: Self.name)
        try store.flush()
    }

    /// Puts the copy's checkpoint in place and ends the compaction; the copy is the data file
    /// already.
    ///
    /// - Throws: What flushing throws; the next opening completes it then.
    func complete(
        in store: Directory, _ lease: StoreLease, reached: (ProtocolStep) -> Void = { _ in }
    ) throws(CodexError) {
        // A checkpoint of the copy is of no use to the old file.
        try lease.refusingWritesOnFailure { () throws(CodexError) in try store.flush() }
        try checkpoint.publish(in: store, lease)
        reached(.compactionPublished)
        try lease.refusingWritesOnFailure { () throws(CodexError) in try stamp(store) }
        try Self.remove(in: store, lease)
    }

    /// Gives the copy the store's ID.
    ///
    /// Only now: earlier releases do not know the intent, and refuse a data file without it.
    private func stamp(_ store: Directory) throws(CodexError) {
        let file = try DataFile(store)
        defer { file.file.close() }
        try file.stamp(checkpoint.storeID)
        try file.file.flush()
    }

    /// Removes the file, durably: from then on, data file and checkpoint are a pair.
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

    /// Undoes or completes a compaction that was cut short; for a process that opens the store
    /// alone, before it reads the checkpoint.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if the file is damaged, and what reading and
    ///   flushing throw.
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
        // Only now: without the intent the copy is of no use.
        CompactedCopy.removeStaging(in: store)
    }

    /// Whether the copy has become the data file.
    ///
    /// Nothing was written to the copy before the intent was gone, and the old file has other
    /// trees.
    private func isRenamed(in store: Directory) throws(CodexError) -> Bool {
        let file = try DataFile(store, .read)
        defer { file.file.close() }
        return try file.newestMetaPage().numbered(0) == checkpoint.meta.numbered(0)
    }
}
