internal import CodexCLMDB
internal import CodexCore

/// An open LMDB environment: one directory with `data.mdb` and `lock.mdb`.
///
/// LMDB is opened with `MDB_NOTLS`, so that read transactions may be pooled and used by any thread,
/// one at a time. The map is reserved once, as large as the address space allows, and never grown:
/// remapping would move the pages that readers look at.
@safe
final class Environment: @unchecked Sendable {
    // LMDB's environment functions may be called by any thread (lmdb.h); the handle is set once.
    private let handle: OpaquePointer
    /// The size of the reserved map in bytes.
    let mapByteCount: Int

    /// What the map reserves; it is address space, not memory or disk.
    private static let mapByteCountMax = 1 << 40
    private static let mapByteCountMin = 1 << 28
    /// Most snapshots at once, in all processes.
    ///
    /// A slot is 64 bytes of the lock file.
    static let readerCountMax: UInt32 = 4096
    static let databaseCountMax: UInt32 = 1024

    /// Opens the environment in `path`, which must be a directory.
    ///
    /// With `flushes`, LMDB flushes at each commit; else the log does.
    init(
        path: String, readOnly: Bool, flushes: Bool, mapByteCount limit: Int? = nil
    ) throws(CodexError) {
        var size = limit ?? Self.mapByteCountMax
        var first: CodexError?
        while true {
            do throws(CodexError) {
                unsafe handle = try Self.open(
                    path, readOnly: readOnly, flushes: flushes, mapByteCount: size)
                mapByteCount = size
                return
            } catch {
                // A limit on address space: reserve less. It is ENOMEM with ulimit -v, EINVAL under valgrind.
                first = first ?? error
                guard error.code == .outOfMemory || error.isInvalidArgument,
                    size > Self.mapByteCountMin
                else { throw first ?? error }
                size /= 2
            }
        }
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
            let status = unsafe mdb_env_open(handle, path, flags, 0o644)
            try check("mdb_env_open", status)
        } catch {
            // lmdb.h: after a failed open the environment must be closed.
            unsafe mdb_env_close(handle)
            throw error
        }
        return unsafe handle
    }

    /// Frees the reader slots of processes that were killed: as long as such a slot stands, no page
    /// that was freed after its snapshot is used again.
    func clearDeadReaders() { _ = unsafe mdb_reader_check(handle, nil) }

    /// The snapshots that are open, in all processes.
    func readers() -> [(processID: Int32, snapshot: Int)] {
        // lmdb.h: a line for each slot, "pid thread txnid", the last "-" without a snapshot.
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
        return lines.text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count == 3, let process = Int32(fields[0]), let snapshot = Int(fields[2])
            else { return nil }
            return (process, snapshot)
        }
    }

    /// How many pages the transactions after `id` replaced, and the newest transaction's number.
    ///
    /// `transaction` is a reset read transaction, which is renewed for this. It takes O(log *n*) for
    /// each transaction.
    func replacedPages(
        after id: Int, _ transaction: Transaction
    ) throws(CodexError) -> (count: Int, last: Int) {
        try transaction.renew()
        defer { transaction.reset() }
        // Database 0 is the free list: under each transaction's number (a native word), the pages
        // that it replaced, their count before them.
        var key = id + 1
        let start = unsafe withUnsafeBytes(of: &key) { unsafe Array($0) }
        var count = 0
        do {
            try transaction.withCursor(DatabaseID(raw: 0)) { cursor in
                var entry = unsafe try cursor.seek(start)
                while let current = unsafe entry {
                    if unsafe current.value.count >= MemoryLayout<Int>.size {
                        count += unsafe UnsafeRawBufferPointer(current.value)
                            .loadUnaligned(as: Int.self)
                    }
                    unsafe entry = try cursor.next()
                }
            }
        } catch {
            throw CodexError(.corrupted, "The free list cannot be read.", cause: error)
        }
        return (count, transaction.id)
    }

    /// How many of the pages are in the free list.
    func freePages(in pages: Range<Int>) throws(CodexError) -> Int {
        let transaction = try begin(readOnly: true)
        defer { transaction.abort() }
        var free: Set<Int> = []
        do {
            // Database 0 is the free list: lists of page numbers, each with its length before it.
            try transaction.withCursor(DatabaseID(raw: 0)) { cursor in
                var entry = unsafe try cursor.first()
                while let current = unsafe entry {
                    let words = unsafe UnsafeRawBufferPointer(current.value)
                    let size = MemoryLayout<UInt>.size
                    for offset in stride(from: size, to: words.count - size + 1, by: size) {
                        let page = unsafe words.loadUnaligned(fromByteOffset: offset, as: UInt.self)
                        if let page = Int(exactly: page), pages.contains(page) { free.insert(page) }
                    }
                    unsafe entry = try cursor.next()
                }
            }
        } catch {
            throw CodexError(.corrupted, "The free list cannot be read.", cause: error)
        }
        return free.count
    }

    /// Closes the environment.
    ///
    /// No transaction may be open and no call may follow.
    func close() { unsafe mdb_env_close(handle) }

    /// Begins a transaction.
    func begin(readOnly: Bool) throws(CodexError) -> Transaction {
        var handle: OpaquePointer?
        let flags = readOnly ? UInt32(MDB_RDONLY) : 0
        var status = unsafe mdb_txn_begin(self.handle, nil, flags, &handle)
        if status == MDB_READERS_FULL {
            // Slots of killed processes stay taken until somebody looks.
            clearDeadReaders()
            status = unsafe mdb_txn_begin(self.handle, nil, flags, &handle)
        }
        try check("mdb_txn_begin", status)
        guard let handle = unsafe handle else {
            throw CodexError(.outOfMemory, "LMDB could not begin a transaction.")
        }
        return unsafe Transaction(handle: handle)
    }

    /// The number of the newest transaction of any process: a look into shared memory.
    var lastTransactionID: Int {
        var info = unsafe MDB_envinfo()
        _ = unsafe mdb_env_info(handle, &info)
        return unsafe Int(info.me_last_txnid)
    }

    /// Copies the newest state into a directory, without the pages that are free.
    ///
    /// It is a long reader, and writers go on meanwhile. LMDB does not flush what it wrote.
    func copy(to directory: String) throws(CodexError) {
        try check(
            "mdb_env_copy2", unsafe mdb_env_copy2(handle, directory, UInt32(MDB_CP_COMPACT)))
    }

    /// The size of a page in bytes, and the number of pages that were ever used.
    func usage() throws(CodexError) -> (pageByteCount: Int, pageCount: Int) {
        var stat = MDB_stat()
        var info = unsafe MDB_envinfo()
        try check("mdb_env_stat", unsafe mdb_env_stat(handle, &stat))
        try check("mdb_env_info", unsafe mdb_env_info(handle, &info))
        return unsafe (
            Int(stat.ms_psize), Int(info.me_last_pgno) + 1
        )
    }
}

/// Throws the error for a failed LMDB call.
func check(_ call: String, _ code: Int32) throws(CodexError) {
    if code != MDB_SUCCESS { throw .lmdb(call, code) }
}
