internal import CodexCLMDB
internal import CodexCore

/// A position in a tree, or in a plain database.
///
/// It is closed when its scope ends, before its transaction.
@safe
struct Cursor: ~Copyable {
    /// A key and its value in place, valid until the cursor moves.
    @unsafe
    struct Entry {
        let key: UnsafeBufferPointer<UInt8>
        let value: UnsafeBufferPointer<UInt8>
    }

    private let handle: OpaquePointer
    private let transaction: Transaction
    /// The database of the rests of long keys; `nil` in a plain database.
    private let long: DatabaseID?
    /// The position among the rests of long keys; `nil` at a short key.
    private var descent: Descent?

    init(handle: OpaquePointer, transaction: Transaction, long: DatabaseID?) {
        unsafe self.handle = handle
        self.transaction = transaction
        self.long = long
    }

    deinit { unsafe mdb_cursor_close(handle) }

    /// Moves to the first key at or after `key`.
    mutating func seek(_ key: [UInt8]) throws(CodexError) -> Entry? {
        if key.isEmpty { return unsafe try first() }
        descent = nil
        guard let long, key.count >= LongKey.pieceByteCount else {
            return unsafe try arrive(try RawCursor.seek(handle, key), forward: true)
        }
        let piece = LongKey.piece(key[...], layer: nil)
        let found = unsafe try RawCursor.seek(handle, piece.physical)
        guard let rest = piece.rest, let entry = unsafe found,
            unsafe entry.key.elementsEqual(piece.physical)
        else { return unsafe try arrive(found, forward: true) }
        let descent = Descent(transaction, long)
        self.descent = descent
        unsafe try descent.push(entry, fromLayer: false)
        if let entry = unsafe try descent.seek(rest) { return unsafe entry }
        return unsafe try leave(forward: true)
    }

    /// Moves to the first key at or after `key`, in a walk that computes its keys from read data.
    ///
    /// Each requested key must come after the previous one. Then the walk ends, also in an altered
    /// file.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if the found key comes before `key`.
    mutating func advance(to key: [UInt8]) throws(CodexError) -> Entry? {
        guard let entry = unsafe try seek(key) else { return nil }
        guard unsafe entry.key.compare(key) >= 0 else {
            throw Wire.corrupted("the order of keys")
        }
        return unsafe entry
    }

    /// Moves to the first key after `key`, as ``advance(to:)`` does; all keys come after the empty
    /// one.
    mutating func advance(past key: [UInt8]) throws(CodexError) -> Entry? {
        unsafe try advance(to: key + [0])
    }

    /// The value under a key below 510 bytes, in place, or `nil`; the cursor moves there.
    ///
    /// LMDB looks for the key in the present page first. So ascending keys of one page cost one
    /// search of the tree.
    mutating func find(
        _ key: UnsafeBufferPointer<UInt8>
    ) throws(CodexError) -> UnsafeBufferPointer<UInt8>? {
        descent = nil
        return unsafe try RawCursor.find(handle, key)
    }

    /// Moves to the next key.
    @inline(__always)
    mutating func next() throws(CodexError) -> Entry? { unsafe try move(forward: true) }

    /// Moves to the previous key.
    @inline(__always)
    mutating func previous() throws(CodexError) -> Entry? { unsafe try move(forward: false) }

    /// Moves to the first key.
    mutating func first() throws(CodexError) -> Entry? {
        descent = nil
        return unsafe try arrive(try RawCursor.move(handle, MDB_FIRST), forward: true)
    }

    /// Moves to the last key.
    mutating func last() throws(CodexError) -> Entry? {
        descent = nil
        return unsafe try arrive(try RawCursor.move(handle, MDB_LAST), forward: false)
    }

    @inline(__always)
    private mutating func move(forward: Bool) throws(CodexError) -> Entry? {
        if let descent {
            if let entry = unsafe try descent.step(forward: forward) { return unsafe entry }
            return unsafe try leave(forward: forward)
        }
        return unsafe try arrive(
            try RawCursor.move(handle, forward ? MDB_NEXT : MDB_PREV), forward: forward)
    }

    /// Continues in the tree's database after the last of a long key's rests.
    private mutating func leave(forward: Bool) throws(CodexError) -> Entry? {
        descent = nil
        return unsafe try arrive(
            try RawCursor.move(handle, forward ? MDB_NEXT : MDB_PREV), forward: forward)
    }

    /// Turns an entry of the tree's database into a logical entry.
    @inline(__always)
    private mutating func arrive(_ entry: Entry?, forward: Bool) throws(CodexError) -> Entry? {
        guard let entry = unsafe entry else { return nil }
        if unsafe entry.key.count < LongKey.markedByteCount { return unsafe entry }
        return unsafe try arriveMarked(entry, forward: forward)
    }

    private mutating func arriveMarked(_ entry: Entry, forward: Bool) throws(CodexError) -> Entry? {
        guard let long else { return unsafe entry }
        if unsafe entry.key[LongKey.pieceByteCount] == LongKey.end {
            return unsafe Entry(key: .init(rebasing: entry.key.dropLast()), value: entry.value)
        }
        guard unsafe entry.key[LongKey.pieceByteCount] == LongKey.more else {
            throw Wire.corrupted("the mark at the end of a key")
        }
        let descent = Descent(transaction, long)
        self.descent = descent
        unsafe try descent.push(entry, fromLayer: false)
        return unsafe try descent.enter(forward: forward)
    }
}

/// The moves of an LMDB cursor.
enum RawCursor {
    @inline(__always)
    static func move(
        _ handle: OpaquePointer, _ operation: MDB_cursor_op
    ) throws(CodexError) -> Cursor.Entry? {
        var key = unsafe MDB_val()
        var value = unsafe MDB_val()
        let status = unsafe mdb_cursor_get(handle, &key, &value, operation)
        if status == MDB_NOTFOUND { return nil }
        try check("mdb_cursor_get", status)
        return unsafe Cursor.Entry(key: key.bytes, value: value.bytes)
    }

    static func find(
        _ handle: OpaquePointer, _ key: UnsafeBufferPointer<UInt8>
    ) throws(CodexError) -> UnsafeBufferPointer<UInt8>? {
        var found = unsafe MDB_val(key)
        var value = unsafe MDB_val()
        let status = unsafe mdb_cursor_get(handle, &found, &value, MDB_SET)
        if status == MDB_NOTFOUND { return nil }
        try check("mdb_cursor_get", status)
        return unsafe value.bytes
    }

    static func seek(_ handle: OpaquePointer, _ key: [UInt8]) throws(CodexError) -> Cursor.Entry? {
        var value = unsafe MDB_val()
        var found = unsafe MDB_val()
        let status = unsafe key.withUnsafeBufferPointer { buffer in
            unsafe found = MDB_val(buffer)
            return unsafe mdb_cursor_get(handle, &found, &value, MDB_SET_RANGE)
        }
        if status == MDB_NOTFOUND { return nil }
        try check("mdb_cursor_get", status)
        return unsafe Cursor.Entry(key: found.bytes, value: value.bytes)
    }
}

/// A separate cursor in the database of long keys' rests.
@safe
private final class LayerCursor {
    private let handle: OpaquePointer

    init(_ transaction: Transaction, _ long: DatabaseID) throws(CodexError) {
        unsafe handle = try transaction.openCursor(long)
    }

    deinit { unsafe mdb_cursor_close(handle) }

    func seek(_ key: [UInt8]) throws(CodexError) -> Cursor.Entry? {
        unsafe try RawCursor.seek(handle, key)
    }

    func move(_ operation: MDB_cursor_op) throws(CodexError) -> Cursor.Entry? {
        unsafe try RawCursor.move(handle, operation)
    }
}

/// A cursor's position among the rests of long keys: the layers from the tree's pointer inward.
///
/// Each layer has a cursor, which stays at its pointer while the inner layers are walked. So the
/// walk leaves a layer at the place where it entered it. No walk goes back, even in a damaged file.
@safe
private final class Descent {
    private struct Level {
        let layer: UInt64
        /// The length of the logical key before this layer's part.
        let prefixByteCount: Int
        /// The position in the layer.
        let cursor: LayerCursor
    }

    private let transaction: Transaction
    private let long: DatabaseID
    private var levels: [Level] = []
    /// The logical key, joined from its pieces.
    private var key: UnsafeMutableBufferPointer<UInt8>

    init(_ transaction: Transaction, _ long: DatabaseID) {
        self.transaction = transaction
        self.long = long
        unsafe key = .allocate(capacity: 4096)
    }

    deinit { unsafe key.deallocate() }

    /// Enters the layer that a pointer names.
    func push(_ entry: Cursor.Entry, fromLayer: Bool) throws(CodexError) {
        // More levels than the longest key has mean that pieces form a cycle.
        guard levels.count < 128 else { throw Wire.corrupted("the pieces of a long key") }
        let before = levels.last?.prefixByteCount ?? 0
        let own = unsafe entry.key.dropFirst(fromLayer ? LongKey.layerByteCount : 0).dropLast()
        unsafe append(own, at: before)
        let layer = unsafe try LongKey.layer(entry.value)
        let cursor = try LayerCursor(transaction, long)
        levels.append(
            unsafe Level(layer: layer, prefixByteCount: before + own.count, cursor: cursor))
    }

    private func append(_ bytes: Slice<UnsafeBufferPointer<UInt8>>, at position: Int) {
        let needed = unsafe position + bytes.count
        if unsafe needed > key.count {
            let larger = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: needed * 2)
            _ = unsafe larger.update(fromContentsOf: key[..<position])
            unsafe key.deallocate()
            unsafe key = larger
        }
        _ = unsafe key[position...].update(fromContentsOf: bytes)
    }

    /// Moves to the first or last entry of the innermost layer.
    func enter(forward: Bool) throws(CodexError) -> Cursor.Entry {
        guard let level = levels.last else { throw Wire.corrupted("a long key without a layer") }
        var entry: Cursor.Entry?
        if forward {
            unsafe entry = try level.cursor.seek(BigEndian.bytes(level.layer))
        } else if unsafe try level.cursor.seek(BigEndian.bytes(level.layer + 1)) != nil {
            unsafe entry = try level.cursor.move(MDB_PREV)
        } else {
            unsafe entry = try level.cursor.move(MDB_LAST)
        }
        guard let entry = unsafe entry, unsafe isInLayer(entry) else {
            throw Wire.corrupted("the rest of a long key is missing")
        }
        return unsafe try arrive(entry, forward: forward)
    }

    /// Moves to the first entry at or after `rest` in the innermost layer, or after that layer.
    func seek(_ rest: ArraySlice<UInt8>) throws(CodexError) -> Cursor.Entry? {
        guard let level = levels.last else { return nil }
        let piece = LongKey.piece(rest, layer: level.layer)
        guard let entry = unsafe try level.cursor.seek(piece.physical), unsafe isInLayer(entry)
        else { return unsafe try ascend(forward: true) }
        if let rest = piece.rest, unsafe entry.key.elementsEqual(piece.physical) {
            unsafe try push(entry, fromLayer: true)
            return unsafe try seek(rest)
        }
        return unsafe try arrive(entry, forward: true)
    }

    /// Moves by one entry; `nil` once all layers are left.
    func step(forward: Bool) throws(CodexError) -> Cursor.Entry? {
        guard let level = levels.last else { return nil }
        let entry = unsafe try level.cursor.move(forward ? MDB_NEXT : MDB_PREV)
        if let entry = unsafe entry, unsafe isInLayer(entry) {
            return unsafe try arrive(entry, forward: forward)
        }
        return unsafe try ascend(forward: forward)
    }

    private func ascend(forward: Bool) throws(CodexError) -> Cursor.Entry? {
        levels.removeLast()
        return unsafe try step(forward: forward)
    }

    private func arrive(_ entry: Cursor.Entry, forward: Bool) throws(CodexError) -> Cursor.Entry {
        let isMarked = unsafe entry.key.count == LongKey.markedByteCount
        if isMarked, unsafe entry.key[LongKey.pieceByteCount] == LongKey.more {
            unsafe try push(entry, fromLayer: true)
            return unsafe try enter(forward: forward)
        }
        let before = levels.last?.prefixByteCount ?? 0
        let own = unsafe entry.key.dropFirst(LongKey.layerByteCount).dropLast(isMarked ? 1 : 0)
        unsafe append(own, at: before)
        return unsafe Cursor.Entry(
            key: UnsafeBufferPointer(rebasing: key[..<(before + own.count)]), value: entry.value)
    }

    private func isInLayer(_ entry: Cursor.Entry) -> Bool {
        guard let level = levels.last else { return false }
        return unsafe entry.key.starts(with: BigEndian.bytes(level.layer))
    }
}
