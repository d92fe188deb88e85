internal import CodexCLMDB
internal import CodexCore

/// An open LMDB environment: one directory with `data.mdb` and `lock.mdb`.
///
/// LMDB is opened with `MDB_NOTLS`, so that read transactions may be pooled and used by any thread,
/// one at a time. The map is reserved once (``MapReservation``) and never grows: remapping would
/// move the pages that readers use.
@safe
final class Environment: @unchecked Sendable {
    // LMDB's environment functions may be called by any thread (lmdb.h). The handle changes only in
    // ``close()`` and ``reopen(_:_:)``, while no thread may be in a call. It is `nil` once the
    // environment is closed.
    private var handle: OpaquePointer?
    /// The size of the reserved map in bytes.
    private(set) var mapByteCount = 0
    private let isReadOnly: Bool
    private let flushes: Bool
    /// The size of the map that the options request.
    private let mapByteCountAsked: Int?
    private let locks = Locked<ReaderLocks?>(nil)

    /// The maximum number of concurrent read transactions, in all processes.
    ///
    /// Each has a slot of 64 bytes in the lock file.
    static let readerCountMax: UInt32 = 4096
    /// The maximum number of databases that a process opens.
    ///
    /// They are the store's system databases, and one for each table, index and counter.
    ///
    /// The number is higher than the limit of trees: handles of removed trees stay open until no
    /// reader can use them. Each write transaction copies a number for each (liblmdb 0.9).
    static let databaseCountMax = UInt32(ManifestNumbers.layoutTreeCountMax + 280)

    /// Opens the environment in a directory.
    ///
    /// With `flushes`, LMDB flushes at each commit; otherwise the log makes commits durable.
    ///
    /// - Throws: ``CodexError/Code/filesReplaced`` if the data file was exchanged meanwhile,
    ///   ``CodexError/Code/outOfMemory`` if there is no address space for twice the data.
    init(
        _ directory: Directory, readOnly: Bool, flushes: Bool, mapByteCount limit: Int? = nil
    ) throws(CodexError) {
        (isReadOnly, self.flushes, mapByteCountAsked) = (readOnly, flushes, limit)
        try open(directory)
    }

    /// Opens liblmdb's environment on the file that currently has the data file's name.
    private func open(_ directory: Directory) throws(CodexError) {
        try LMDBVersion.loaded.requireSupported(opening: directory.path)
        try ReaderTable.allocate(directory, isReadOnly: isReadOnly)
        let path = directory.accessPath
        let isThere = try directory.contains(StoreDirectory.dataFile)
        // liblmdb would make the file with a mode that depends on the umask.
        if !isThere, !isReadOnly {
            try File(StoreDirectory.dataFile, in: directory, .create).close()
        }
        let dataByteCount = isThere ? try directory.byteCount(StoreDirectory.dataFile) : 0
        var size = MapReservation.byteCount(asked: mapByteCountAsked, dataByteCount: dataByteCount)
        let least = MapReservation.least(dataByteCount: dataByteCount)
        var first: CodexError?
        while true {
            do throws(CodexError) {
                unsafe handle = try Self.open(
                    path, readOnly: isReadOnly, flushes: flushes, mapByteCount: size)
                break
            } catch {
                // Address space is limited: reserve less. The error is ENOMEM with ulimit -v, and
                // EINVAL under valgrind.
                first = first ?? error
                guard error.code == .outOfMemory || error.isInvalidArgument, size / 2 >= least
                else { throw first ?? error }
                size /= 2
            }
        }
        var info = unsafe MDB_envinfo()
        _ = unsafe mdb_env_info(handle, &info)
        mapByteCount = unsafe Int(clamping: info.me_mapsize)
        let identity = try directory.identity(StoreDirectory.dataFile)
        guard try openedIdentity() == identity else {
            close()
            throw FileGuard.replaced("its file \(StoreDirectory.dataFile)", directory.path)
        }
    }

    /// The identity of the file that liblmdb has opened.
    private func openedIdentity() throws(CodexError) -> FileSystem.Identity {
        var descriptor: Int32 = -1
        try check("mdb_env_get_fd", unsafe mdb_env_get_fd(handle, &descriptor))
        return try FileSystem.identity(of: descriptor)
    }

    private static func open(
        _ path: String, readOnly: Bool, flushes: Bool, mapByteCount: Int
    ) throws(CodexError) -> OpaquePointer {
        var created: OpaquePointer?
        try check("mdb_env_create", unsafe mdb_env_create(&created))
        guard let handle = unsafe created else {
            throw CodexError(.outOfMemory, "LMDB could not create an environment.")
        }
        do throws(CodexError) {
            try check("mdb_env_set_mapsize", unsafe mdb_env_set_mapsize(handle, mapByteCount))
            try check("mdb_env_set_maxdbs", unsafe mdb_env_set_maxdbs(handle, databaseCountMax))
            try check(
                "mdb_env_set_maxreaders", unsafe mdb_env_set_maxreaders(handle, readerCountMax))
            let flags =
                UInt32(MDB_NOTLS) | (readOnly ? UInt32(MDB_RDONLY) : 0)
                | (flushes ? 0 : UInt32(MDB_NOSYNC))
            let status = unsafe mdb_env_open(handle, path, flags, 0o600)
            try check("mdb_env_open", status)
        } catch {
            // lmdb.h: after a failed open the environment must be closed.
            unsafe mdb_env_close(handle)
            throw error
        }
        return unsafe handle
    }

    /// Throws if nearly all reader slots are in use: the rest is for writers and checkpoints.
    ///
    /// - Throws: ``CodexError/Code/tooManyReaders``.
    func requireReaderSlot() throws(CodexError) {
        var info = unsafe MDB_envinfo()
        try check("mdb_env_info", unsafe mdb_env_info(handle, &info))
        let limit = Int(Self.readerCountMax) - Self.keptReaderCount
        // The largest number of slots that were ever in use at once, from shared memory.
        guard unsafe Int(info.me_numreaders) >= limit else { return }
        if readerLines().count < limit { return }
        clearDeadReaders()
        guard readerLines().count >= limit else { return }
        throw CodexError.lmdb("mdb_txn_begin", MDB_READERS_FULL)
    }

    /// The number of slots that snapshots leave to writers and checkpoints of all processes.
    private static let keptReaderCount = 64

    /// Frees the reader slots of killed processes.
    ///
    /// While such a slot exists, no page that was freed after its snapshot is reused.
    func clearDeadReaders() { _ = unsafe mdb_reader_check(handle, nil) }

    /// The open snapshots of all processes.
    func readers() -> [(processID: Int32, snapshot: Int)] {
        readerLines().compactMap { fields in
            guard let process = Int32(fields[0]), let snapshot = Int(fields[2]) else { return nil }
            return (process, snapshot)
        }
    }

    /// The used slots of all processes: process, thread, snapshot.
    private func readerLines() -> [[Substring]] {
        // lmdb.h: there is a line for each slot, "pid thread txnid"; without a snapshot, txnid is
        // "-".
        final class Lines { var text = "" }
        let lines = Lines()
        unsafe mdb_reader_list(
            handle,
            { line, context in
                guard let line = unsafe line, let context = unsafe context else { return 0 }
                unsafe Unmanaged<Lines>.fromOpaque(context).takeUnretainedValue().text +=
                    String(cString: line)
                return 0
            }, Unmanaged.passUnretained(lines).toOpaque())
        return lines.text.split(separator: "\n").map { $0.split(separator: " ") }
            .filter { $0.count == 3 && Int32($0[0]) != nil }
    }

    /// The number of pages that the transactions after `id` replaced, and the newest transaction's
    /// number.
    ///
    /// `transaction` is a reset read transaction, which is renewed here. The cost is O(log *n*) for
    /// each transaction.
    func replacedPages(
        after id: Int, _ transaction: Transaction
    ) throws(CodexError) -> (count: Int, last: Int) {
        try transaction.renew()
        defer { transaction.reset() }
        // Database 0 is the free list. Under each transaction's number (a native word), it has the
        // count of the pages that the transaction replaced, and then the pages.
        var key = id &+ 1
        let start = unsafe withUnsafeBytes(of: &key) { unsafe Array($0) }
        var count = 0
        do {
            try transaction.withCursor(DatabaseID(raw: 0)) { cursor in
                var entry = unsafe try cursor.seek(start)
                while let current = unsafe entry {
                    let wordCount = unsafe current.value.count / MemoryLayout<Int>.size
                    if wordCount > 0 {
                        let claimed = unsafe UnsafeRawBufferPointer(current.value)
                            .loadUnaligned(as: Int.self)
                        // The count comes from the file, so it is limited to the entries that are
                        // there.
                        count += max(0, min(claimed, wordCount - 1))
                    }
                    unsafe entry = try cursor.next()
                }
            }
        } catch {
            throw CodexError(.corrupted, "The free list cannot be read.", cause: error)
        }
        return (count, transaction.id)
    }

    /// Takes over liblmdb's locks, and frees the slots of a killed process with this process's ID.
    ///
    /// Closing any descriptor of the lock file in this process would otherwise release liblmdb's
    /// locks.
    ///
    /// The caller holds the gate, before the first reader.
    func holdLocks(_ directory: Directory) throws(CodexError) {
        if readerLines().contains(where: { Int32($0[0]) == FileSystem.processID }) {
            try ReaderTable.freeOwnSlots(directory)
        }
        // liblmdb locks its byte only with its first reader.
        try begin(readOnly: true).abort()
        let held = try ReaderLocks(directory)
        locks.withLock { $0 = held }
    }

    /// Closes the environment.
    ///
    /// No transaction may be open, and no thread may be in a call.
    func close() {
        unsafe mdb_env_close(handle)
        unsafe handle = nil
        locks.withLock { locks in
            locks?.release()
            locks = nil
        }
    }

    /// Closes the environment, and opens it on the file that currently has the data file's name.
    ///
    /// The caller holds the gate, no other process has the environment open, and the rules of
    /// ``close()`` apply.
    ///
    /// - Parameters:
    ///   - directory: The store's directory.
    ///   - names: The databases of ``databaseNames()``, whose handles keep their numbers.
    ///   - options: The store's options.
    /// - Throws: ``CodexError/Code/notWritable`` if another program has the data file open, and the
    ///   errors of opening. Then the environment is closed, and its users get
    ///   ``CodexError/Code/closed``.
    func reopen(
        _ directory: Directory, _ names: [String], _ options: StoreOptions
    ) throws(CodexError) {
        close()
        // If another program had the lock, liblmdb would continue the transaction numbers in the
        // lock file.
        try Recovery.requireNoStranger(directory, options)
        do throws(CodexError) {
            try open(directory)
            try holdLocks(directory)
            try openDatabases(names)
        } catch {
            close()
            throw error
        }
    }

    /// Closes the handle of a database, whose number may then be reused.
    ///
    /// The caller holds LMDB's write lock. No transaction of this process may be open that began
    /// while the handle was in use (lmdb.h).
    func closeDatabase(_ database: DatabaseID) { unsafe mdb_dbi_close(handle, database.raw) }

    /// Begins a transaction.
    func begin(readOnly: Bool) throws(CodexError) -> Transaction {
        guard let environment = unsafe self.handle else { throw StoreCore.closed }
        var handle: OpaquePointer?
        let flags = readOnly ? UInt32(MDB_RDONLY) : 0
        var status = unsafe mdb_txn_begin(environment, nil, flags, &handle)
        if status == MDB_READERS_FULL {
            // Slots of killed processes stay in use until they are cleared.
            clearDeadReaders()
            status = unsafe mdb_txn_begin(environment, nil, flags, &handle)
        }
        try check("mdb_txn_begin", status)
        guard let handle = unsafe handle else {
            throw CodexError(.outOfMemory, "LMDB could not begin a transaction.")
        }
        return unsafe Transaction(handle: handle)
    }

    /// The number of the newest transaction of any process, from shared memory.
    var lastTransactionID: Int {
        var info = unsafe MDB_envinfo()
        _ = unsafe mdb_env_info(handle, &info)
        return unsafe Int(info.me_last_txnid)
    }

    /// Copies the newest state into a new data file of a directory, without free pages.
    ///
    /// The copy is a long reader, and writers go on meanwhile. LMDB does not flush the copy.
    func copy(to directory: Directory) throws(CodexError) {
        // liblmdb would make the file with a mode that depends on the umask.
        let file = try File(StoreDirectory.dataFile, in: directory, .create)
        defer { file.close() }
        codex_write_uncached(file.rawDescriptor, try usage().pageByteCount)
        try copy(to: file.rawDescriptor)
    }

    /// Writes such a copy to a descriptor, from its first byte to its last.
    func copy(to descriptor: Int32) throws(CodexError) {
        guard let environment = unsafe handle else { throw StoreCore.closed }
        try check(
            "mdb_env_copyfd2",
            unsafe mdb_env_copyfd2(environment, descriptor, UInt32(MDB_CP_COMPACT)))
    }

    /// The size of a page in bytes, and the number of pages that were ever used.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if the file has an impossible number of pages.
    func usage() throws(CodexError) -> (pageByteCount: Int, pageCount: Int) {
        var stat = MDB_stat()
        var info = unsafe MDB_envinfo()
        try check("mdb_env_stat", unsafe mdb_env_stat(handle, &stat))
        try check("mdb_env_info", unsafe mdb_env_info(handle, &info))
        let lastPage = unsafe Int(info.me_last_pgno)
        guard (0..<MetaPage.pageCountMax).contains(lastPage) else {
            throw Wire.corrupted("the number of pages of the data file")
        }
        return (Int(stat.ms_psize), lastPage + 1)
    }
}

/// Throws the error for a failed LMDB call.
func check(_ call: String, _ code: Int32) throws(CodexError) {
    if code != MDB_SUCCESS { throw .lmdb(call, code) }
}
