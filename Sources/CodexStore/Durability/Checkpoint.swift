internal import CodexCore
internal import FoundationEssentials

/// The content of the file `checkpoint`: a state of the data file, and a position in the log.
///
/// The whole state is on stable storage. The log is redone from the position.
///
/// Byte map in `Docs/Format.md`.
struct Checkpoint {
    var storeID: UUID
    /// LMDB's number of the transaction that made the state.
    var transaction: Int
    var position: LogPosition
    var meta: MetaPage

    static let name = "checkpoint"
    static let lockName = "checkpoint.lock"
    /// The name under which the next checkpoint is written.
    ///
    /// It becomes the current one by an exchange of names.
    static let nextName = "checkpoint.new"
    private static let magic = Array("CODEXCKP".utf8)
    private static let format: UInt32 = 1
    static let byteCount = 40 + LogPosition.byteCount + MetaPage.byteCount

    var bytes: [UInt8] {
        var bytes = Self.magic
        LittleEndian.append(Self.format, to: &bytes)
        LittleEndian.append(UInt32(0), to: &bytes)
        bytes += storeID.byteArray
        LittleEndian.append(UInt64(transaction), to: &bytes)
        bytes += position.bytes
        bytes += meta.bytes
        LittleEndian.replace(
            Compression.checksum(bytes, in: 16..<bytes.count, after: 0), in: &bytes, at: 12)
        return bytes
    }

    init(storeID: UUID, transaction: Int, position: LogPosition, meta: MetaPage) {
        self.storeID = storeID
        self.transaction = transaction
        self.position = position
        self.meta = meta
    }

    /// Reads the checkpoint of a store.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if it is missing or damaged,
    ///   ``CodexError/Code/unsupportedFormat``.
    init(of store: Directory) throws(CodexError) {
        do throws(CodexError) {
            try self.init(reading: store)
        } catch  where error.code == .corrupted {
            // A file that was exchanged during the read may have been overwritten since.
            try self.init(reading: store)
        }
    }

    private init(reading store: Directory) throws(CodexError) {
        guard try store.contains(Self.name) else {
            throw CodexError(
                .corrupted,
                "The store lacks its file `checkpoint`, which names the state of the data file that "
                    + "is whole. Put it back, or restore from a backup.")
        }
        try self.init(try store.read(Self.name, limit: Self.byteCount + 1))
    }

    /// Reads the bytes of the file `checkpoint`.
    ///
    /// - Throws: ``CodexError/Code/corrupted``, ``CodexError/Code/unsupportedFormat``.
    init(_ bytes: [UInt8]) throws(CodexError) {
        guard bytes.count >= 16, Array(bytes.prefix(8)) == Self.magic else { throw Self.damaged }
        let format = LittleEndian.integer(bytes, at: 8, as: UInt32.self)
        guard format == Self.format else {
            throw CodexError(
                .unsupportedFormat,
                "The checkpoint has format \(format); this release reads \(Self.format). "
                    + "Use a newer release.")
        }
        guard bytes.count == Self.byteCount,
            Compression.checksum(bytes, in: 16..<bytes.count, after: 0)
                == LittleEndian.integer(bytes, at: 12, as: UInt32.self),
            let id = UUID(byteArray: Array(bytes[16..<32])),
            let transaction = Int(exactly: LittleEndian.integer(bytes, at: 32, as: UInt64.self)),
            let meta = MetaPage(bytes[(40 + LogPosition.byteCount)...]),
            meta.transaction == UInt64(transaction)
        else { throw Self.damaged }
        storeID = id
        self.transaction = transaction
        position = try LogPosition(Array(bytes[40..<40 + LogPosition.byteCount]))
        self.meta = meta
    }

    private static var damaged: CodexError {
        CodexError(
            .corrupted,
            "The file `checkpoint` is damaged. Put back the one that belongs to the data file, or "
                + "restore from a backup.")
    }

    /// Replaces the previous checkpoint, atomically and durably.
    ///
    /// - Throws: ``CodexError/Code/outcomeUnknown`` if a flush failed; the store then refuses
    ///   writes.
    ///
    /// The new checkpoint overwrites the one before the last, whose file keeps its blocks. So it
    /// needs no room on the device.
    func publish(
        in store: Directory, _ lease: StoreLease, reached: (ProtocolStep) -> Void = { _ in }
    ) throws(CodexError) {
        let file = try Self.openNext(in: store)
        defer { file.close() }
        try file.write(bytes, at: 0)
        try file.setByteCount(Self.byteCount)
        try lease.refusingWritesOnFailure { () throws(CodexError) in
            try file.flush()
            reached(.checkpointWritten)
            if try !store.contains(Self.name) || !store.exchange(Self.nextName, with: Self.name) {
                try store.rename(Self.nextName, to: Self.name)
            }
            reached(.checkpointNamed)
            try store.flush()
        }
        reached(.checkpointPublished)
    }

    private static func openNext(in store: Directory) throws(CodexError) -> File {
        do throws(CodexError) {
            return try File(nextName, in: store, .write)
        } catch  where [.notFound, .notWritable].contains(error.code) {
            // Another user's process may have been killed before the file had its mode.
            return try File(nextName, in: store, .create)
        }
    }

    /// Makes the name of a checkpoint that another process published durable.
    ///
    /// That process may have been killed before its flush. This call must precede the release of
    /// the previous checkpoint's pages.
    ///
    /// - Throws: ``CodexError/Code/outcomeUnknown`` if the flush failed.
    static func flushDirectory(in store: Directory, _ lease: StoreLease) throws(CodexError) {
        try lease.refusingWritesOnFailure { () throws(CodexError) in try store.flush() }
    }
}

/// A read transaction that keeps LMDB from reusing the pages of a current or future checkpoint.
///
/// Sendable: its holder ends it once, on any thread. With `MDB_NOTLS`, LMDB's read transactions are
/// not bound to a thread.
struct Pin: @unchecked Sendable {
    let transaction: Transaction
    let id: Int
    let position: LogPosition
    let meta: MetaPage

    /// Pins the newest state.
    ///
    /// - Parameters:
    ///   - environment: The environment. The caller holds its write lock, so that no process
    ///     commits meanwhile.
    ///   - file: The environment's data file.
    ///   - metaDatabase: The database `meta`, which has the position in formats before 5.
    /// - Throws: ``CodexError/Code/tooManyReaders``, ``CodexError/Code/corrupted``,
    ///   ``CodexError/Code/diskFull``.
    init(
        _ environment: Environment, _ file: DataFile, _ metaDatabase: DatabaseID
    ) throws(CodexError) {
        let transaction = try environment.begin(readOnly: true)
        do throws(CodexError) {
            position = try LogPosition(transaction, metaDatabase)
            guard let page = try file.metaPage(of: transaction.id) else {
                throw Wire.corrupted("the data file lacks the meta page of its newest state")
            }
            meta = page
            // LMDB never writes pages at the end that were freed before their commit, so the file
            // may be too short.
            try file.file.reserve(Int(page.lastPage + 1) * page.pageByteCount)
        } catch {
            transaction.abort()
            throw error
        }
        self.transaction = transaction
        id = transaction.id
    }

    /// Releases the pages.
    func release() { transaction.abort() }
}

/// A pinned state that is about to become the checkpoint.
struct PinnedState: Sendable {
    let pin: Pin
    /// The segment of the log with the pin's position.
    ///
    /// It was opened under LMDB's write lock, by a separate descriptor. Linux reports a failed
    /// flush once to each descriptor that was open then. So the flush of this descriptor also
    /// reports failures that other flushes of the file have met since. Failures before it are
    /// marked: commits and new segments hold the lock until the mark is set. `Docs/Architecture.md`
    /// has the flushes without the lock.
    let segment: LogSegment
}

extension Pin: HeldReader {
    /// Releases the snapshot but keeps the transaction, so that ``release()`` can follow.
    func letGo() { transaction.reset() }
}
