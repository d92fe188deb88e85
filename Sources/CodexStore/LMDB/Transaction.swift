internal import CodexCLMDB
internal import CodexCore

/// The number of an open LMDB database (a separate B+tree in the file).
struct DatabaseID: Sendable, Hashable {
    let raw: MDB_dbi

    /// LMDB's own database of the other databases, with their names as keys.
    ///
    /// It has their roots, so each commit writes it. It may have other entries, too.
    static let unnamed = DatabaseID(raw: 1)
}

/// An LMDB transaction.
///
/// Only one thread at a time uses it; a write transaction is only used by the thread that began it.
///
/// Buffers that it returns point into the map. They are valid until the transaction ends, or, in a
/// write transaction, until its next write.
@safe
struct Transaction {
    private let handle: OpaquePointer

    init(handle: OpaquePointer) { unsafe self.handle = handle }

    /// Commits the transaction.
    ///
    /// The handle is invalid afterwards, also after an error (lmdb.h).
    func commit() throws(CodexError) { try check("mdb_txn_commit", unsafe mdb_txn_commit(handle)) }

    /// Ends the transaction without effect.
    ///
    /// The handle is invalid afterwards.
    func abort() { unsafe mdb_txn_abort(handle) }

    /// Releases the snapshot but keeps the reader slot.
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

    /// Stores `value` under `key`, and replaces another value.
    func put(_ database: DatabaseID, _ key: [UInt8], _ value: [UInt8]) throws(CodexError) {
        try check("mdb_put", put(database, key, value, flags: 0))
    }

    /// Stores `value` under `key` if the key comes after all others; returns whether it does.
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

    /// Removes the value under `key`; returns whether there was one.
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

    /// Stores a value under `key`, or removes the value there if `value` is `nil`.
    func set(_ database: DatabaseID, _ key: [UInt8], _ value: [UInt8]?) throws(CodexError) {
        if let value {
            try put(database, key, value)
        } else {
            try delete(database, key)
        }
    }

    /// The statistics of a database.
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

    /// A figure from the file, which may be damaged, limited to a safe range.
    ///
    /// It is never below zero, and low enough that sums and products with the size of a page do not
    /// overflow.
    private static func bounded(_ figure: Int) -> Int { min(max(0, figure), MetaPage.pageCountMax) }

    /// Opens a cursor on a tree for the duration of `body`.
    @inline(__always)
    func withCursor<R>(_ tree: Tree, _ body: (inout Cursor) throws -> R) throws -> R {
        var cursor = unsafe Cursor(
            handle: try openCursor(tree.database), transaction: self, long: tree.overflow.long)
        return try body(&cursor)
    }

    /// Opens a cursor on a plain database for the duration of `body`.
    func withCursor<R>(_ database: DatabaseID, _ body: (inout Cursor) throws -> R) throws -> R {
        var cursor = unsafe Cursor(
            handle: try openCursor(database), transaction: self, long: nil)
        return try body(&cursor)
    }

    /// Opens an LMDB cursor, which the caller closes.
    func openCursor(_ database: DatabaseID) throws(CodexError) -> OpaquePointer {
        var raw: OpaquePointer?
        try check("mdb_cursor_open", unsafe mdb_cursor_open(handle, database.raw, &raw))
        guard let raw = unsafe raw else {
            throw CodexError(.outOfMemory, "LMDB could not open a cursor.")
        }
        return unsafe raw
    }

    /// Removes all entries of a database.
    func empty(_ database: DatabaseID) throws(CodexError) {
        try check("mdb_drop", unsafe mdb_drop(handle, database.raw, 0))
    }

    /// The snapshot's number: within one process's use, equal numbers mean equal contents.
    var id: Int { unsafe mdb_txn_id(handle) }
}

/// Prefetches the beginning of a value that will be read completely.
///
/// Its cache lines are loaded together, and not one after another.
@inline(__always)
func prefetch(_ value: UnsafeBufferPointer<UInt8>) {
    unsafe codex_prefetch(value.baseAddress, min(value.count, 1024))
}

/// Prefetches the bytes before a value.
///
/// LMDB fills a page from its end, so the next entry of a tree that was filled in order is there.
@inline(__always)
func prefetchNeighbour(of value: UnsafeBufferPointer<UInt8>) {
    guard let start = value.baseAddress else { return }
    // The length is about that of this value with its key. A prefetch accepts any address, since it
    // does not read.
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

    /// The bytes to which the value points.
    @unsafe
    var bytes: UnsafeBufferPointer<UInt8> {
        unsafe UnsafeBufferPointer(
            start: mv_data?.assumingMemoryBound(to: UInt8.self), count: mv_size)
    }
}
