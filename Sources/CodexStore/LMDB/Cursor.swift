internal import CodexCLMDB
internal import CodexCore

/// A position in a database.
///
/// Closed when its scope ends, before its transaction.
@safe
struct Cursor: ~Copyable {
    /// A key and its value in place.
    @unsafe
    struct Entry {
        let key: UnsafeBufferPointer<UInt8>
        let value: UnsafeBufferPointer<UInt8>
    }

    private let handle: OpaquePointer

    init(handle: OpaquePointer) { unsafe self.handle = handle }

    deinit { unsafe mdb_cursor_close(handle) }

    /// Moves to the first key at or after `key`.
    func seek(_ key: [UInt8]) throws(CodexError) -> Entry? {
        var value = unsafe MDB_val()
        var found = unsafe MDB_val()
        let status = unsafe key.withUnsafeBufferPointer { buffer in
            unsafe found = MDB_val(buffer)
            return unsafe mdb_cursor_get(handle, &found, &value, MDB_SET_RANGE)
        }
        return unsafe try Self.entry(status, found, value)
    }

    /// Moves to the next key.
    @inline(__always)
    func next() throws(CodexError) -> Entry? { unsafe try move(MDB_NEXT) }

    /// Moves to the key before.
    @inline(__always)
    func previous() throws(CodexError) -> Entry? { unsafe try move(MDB_PREV) }

    /// Moves to the first key.
    func first() throws(CodexError) -> Entry? { unsafe try move(MDB_FIRST) }

    /// Moves to the last key.
    func last() throws(CodexError) -> Entry? { unsafe try move(MDB_LAST) }

    @inline(__always)
    private func move(_ operation: MDB_cursor_op) throws(CodexError) -> Entry? {
        var key = unsafe MDB_val()
        var value = unsafe MDB_val()
        let status = unsafe mdb_cursor_get(handle, &key, &value, operation)
        return unsafe try Self.entry(status, key, value)
    }

    @inline(__always)
    private static func entry(
        _ status: Int32, _ key: MDB_val, _ value: MDB_val
    ) throws(CodexError) -> Entry? {
        if status == MDB_NOTFOUND { return nil }
        try check("mdb_cursor_get", status)
        return unsafe Entry(key: key.bytes, value: value.bytes)
    }
}
