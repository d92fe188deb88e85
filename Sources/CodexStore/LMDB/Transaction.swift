internal import CodexCLMDB
internal import CodexCore

/// The number of an open LMDB database (a B+tree of its own within the file).
struct DatabaseID: Sendable, Hashable {
    let raw: MDB_dbi
}

/// An LMDB transaction.
///
/// Used by one thread at a time; a write transaction only by the thread that began it.
///
/// Buffers that it returns point into the map: they live until the transaction ends, and in a write
/// transaction only until its next write.
@safe
struct Transaction {
    private let handle: OpaquePointer

    init(handle: OpaquePointer) { unsafe self.handle = handle }

    /// Commits.
    ///
    /// The handle is gone afterwards, also if it fails (lmdb.h).
    func commit() throws(CodexError) { try check("mdb_txn_commit", unsafe mdb_txn_commit(handle)) }

    /// Ends the transaction without effect.
    ///
    /// The handle is gone afterwards.
    func abort() { unsafe mdb_txn_abort(handle) }

    /// Lets go of the snapshot but keeps the reader slot.
    func reset() { unsafe mdb_txn_reset(handle) }

    /// Takes a new snapshot after ``reset()``.
    func renew() throws(CodexError) { try check("mdb_txn_renew", unsafe mdb_txn_renew(handle)) }

    /// Opens a named database, or returns `nil` if there is none and `create` is false.
    func open(_ name: String, create: Bool) throws(CodexError) -> DatabaseID? {
        var raw: MDB_dbi = 0
        let flags = create ? UInt32(MDB_CREATE) : 0
        let status = unsafe mdb_dbi_open(handle, name, flags, &raw)
        if status == MDB_NOTFOUND { return nil }
        try check("mdb_dbi_open", status)
        return DatabaseID(raw: raw)
    }

    /// The value under `key`, in place, or `nil`.
    @inline(__always)
    func get(
        _ database: DatabaseID, _ key: [UInt8]
    ) throws(CodexError) -> UnsafeBufferPointer<UInt8>? {
        var data = unsafe MDB_val()
        let status = unsafe key.withUnsafeBufferPointer { buffer in
            var key = unsafe MDB_val(buffer)
            return unsafe mdb_get(handle, database.raw, &key, &data)
        }
        if status == MDB_NOTFOUND { return nil }
        try check("mdb_get", status)
        return unsafe data.bytes
    }

    /// Stores `value` under `key`, in place of any other.
    func put(_ database: DatabaseID, _ key: [UInt8], _ value: [UInt8]) throws(CodexError) {
        try check("mdb_put", put(database, key, value, flags: 0))
    }

    /// Stores `value` under `key` if that comes after all others; returns whether it does.
    func append(
        _ database: DatabaseID, _ key: [UInt8], _ value: [UInt8]
    ) throws(CodexError) -> Bool {
        let status = put(database, key, value, flags: UInt32(MDB_APPEND))
        if status == MDB_KEYEXIST { return false }
        try check("mdb_put", status)
        return true
    }

    private func put(
        _ database: DatabaseID, _ key: [UInt8], _ value: [UInt8], flags: UInt32
    ) -> Int32 {
        unsafe key.withUnsafeBufferPointer { keyBuffer in
            unsafe value.withUnsafeBufferPointer { valueBuffer in
                var key = unsafe MDB_val(keyBuffer)
                var value = unsafe MDB_val(valueBuffer)
                return unsafe mdb_put(handle, database.raw, &key, &value, flags)
            }
        }
    }

    /// Removes what is stored under `key`; returns whether there was anything.
    @discardableResult
    func delete(_ database: DatabaseID, _ key: [UInt8]) throws(CodexError) -> Bool {
        let status = unsafe key.withUnsafeBufferPointer { buffer in
            var key = unsafe MDB_val(buffer)
            return unsafe mdb_del(handle, database.raw, &key, nil)
        }
        if status == MDB_NOTFOUND { return false }
        try check("mdb_del", status)
        return true
    }

    /// Stores a value under `key`, or removes what is there.
    func set(_ database: DatabaseID, _ key: [UInt8], _ value: [UInt8]?) throws(CodexError) {
        if let value {
            try put(database, key, value)
        } else {
            try delete(database, key)
        }
    }

    /// Figures of a database.
    func statistics(
        _ database: DatabaseID
    ) throws(CodexError) -> (entryCount: Int, pageCount: Int, depth: Int) {
        var stat = MDB_stat()
        try check("mdb_stat", unsafe mdb_stat(handle, database.raw, &stat))
        let pageCounts = [stat.ms_branch_pages, stat.ms_leaf_pages, stat.ms_overflow_pages]
        return (
            Self.bounded(stat.ms_entries), pageCounts.reduce(0) { $0 + Self.bounded($1) },
            Int(stat.ms_depth)
        )
    }

    /// A figure that LMDB has from the file, which may say anything: never below zero, and so low
    /// that sums and products with the size of a page do not overflow.
    private static func bounded(_ figure: Int) -> Int { min(max(0, figure), MetaPage.pageCountMax) }

    /// Opens a cursor on a tree for the duration of `body`.
    @inline(__always)
    func withCursor<R>(_ tree: Tree, _ body: (inout Cursor) throws -> R) throws -> R {
        var cursor = unsafe Cursor(
            handle: try openCursor(tree.database), transaction: self, long: tree.overflow.long)
        return try body(&cursor)
    }

    /// Opens a cursor on a database that is no tree for the duration of `body`.
    func withCursor<R>(_ database: DatabaseID, _ body: (inout Cursor) throws -> R) throws -> R {
        var cursor = unsafe Cursor(
            handle: try openCursor(database), transaction: self, long: nil)
        return try body(&cursor)
    }

    /// Opens an LMDB cursor, which whoever calls closes.
    func openCursor(_ database: DatabaseID) throws(CodexError) -> OpaquePointer {
        var raw: OpaquePointer?
        try check("mdb_cursor_open", unsafe mdb_cursor_open(handle, database.raw, &raw))
        guard let raw = unsafe raw else {
            throw CodexError(.outOfMemory, "LMDB could not open a cursor.")
        }
        return unsafe raw
    }

    /// Removes all that is in a database.
    func empty(_ database: DatabaseID) throws(CodexError) {
        try check("mdb_drop", unsafe mdb_drop(handle, database.raw, 0))
    }

    /// The snapshot's number: equal numbers mean equal contents, within one process's use.
    var id: Int { unsafe mdb_txn_id(handle) }
}

/// Asks for the beginning of a value that will be read from beginning to end: its cache lines come
/// together, not each when the one before was read.
@inline(__always)
func prefetch(_ value: UnsafeBufferPointer<UInt8>) {
    unsafe codex_prefetch(value.baseAddress, min(value.count, 1024))
}

/// Asks for what lies before a value: LMDB fills a page from its end, so that the next entry of a
/// tree that was filled in order lies there.
@inline(__always)
func prefetchNeighbour(of value: UnsafeBufferPointer<UInt8>) {
    guard let start = value.baseAddress else { return }
    // About as much as this one takes with its key. Nothing is read: any address will do.
    let byteCount = min(value.count + 64, 1024)
    unsafe codex_prefetch(start - byteCount, byteCount)
}

extension MDB_val {
    /// Points at a buffer that must outlive the value.
    ///
    /// LMDB does not write through it.
    @unsafe
    init(_ buffer: UnsafeBufferPointer<UInt8>) {
        unsafe self.init(
            mv_size: buffer.count,
            mv_data: UnsafeMutableRawPointer(mutating: buffer.baseAddress))
    }

    /// The bytes that the value points at.
    @unsafe
    var bytes: UnsafeBufferPointer<UInt8> {
        unsafe UnsafeBufferPointer(
            start: mv_data?.assumingMemoryBound(to: UInt8.self), count: mv_size)
    }
}
