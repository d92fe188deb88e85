internal import CodexCore

/// The databases that all trees of a store share for long keys and large values.
struct Overflow: Sendable {
    /// The database `meta`, which has the last number of a layer or chunked value under ``idKey``.
    let meta: DatabaseID
    /// The rests of long keys after their first pieces, by layer.
    let long: DatabaseID
    /// The chunks of large values.
    let chunks: DatabaseID

    static let idKey = Array("id".utf8)
}

/// An ordered map from keys of any length to values, while LMDB's keys have at most 511 bytes.
///
/// A key below 510 bytes is stored as it is. A key of exactly 510 bytes gets a 0x00 appended. A
/// longer key is stored as its first 510 bytes and 0x01; its value is the number of a *layer*. The
/// rest of the key is in the database `long`, under the layer's number and by the same rule at 502
/// bytes. So byte order is kept, and short keys cost one comparison. See
/// `Docs/Decisions/0006-long-keys.md`.
struct Tree: Sendable {
    let database: DatabaseID
    let overflow: Overflow
    /// The key in `meta` of the surplus: the tree's keys minus its database's entries.
    let surplusKey: [UInt8]
    /// The key in `meta` of the bytes of the tree's values in chunks.
    let largeKey: [UInt8]

    init(_ database: DatabaseID, name: String, _ overflow: Overflow) {
        self.database = database
        self.overflow = overflow
        surplusKey = Array("surplus \(name)".utf8)
        largeKey = Array("large \(name)".utf8)
    }
}

/// The rules by which long keys are cut into pieces.
enum LongKey {
    /// Keys of this length and more are cut.
    static let pieceByteCount = 510
    static let layerByteCount = 8
    /// The length of a physical key that has a mark at its end.
    static let markedByteCount = pieceByteCount + 1
    static let end: UInt8 = 0
    static let more: UInt8 = 1

    /// One piece of a key: its physical key, and the rest.
    struct Piece {
        let physical: [UInt8]
        /// The part of the key in the next layer; `nil` if this piece is the last.
        let rest: ArraySlice<UInt8>?
    }

    /// The next piece of `key`, in `layer`, or in the tree's database if `layer` is `nil`.
    static func piece(_ key: ArraySlice<UInt8>, layer: UInt64?) -> Piece {
        var physical = layer.map(BigEndian.bytes) ?? []
        let room = pieceByteCount - physical.count
        physical += key.prefix(room)
        if key.count < room { return Piece(physical: physical, rest: nil) }
        physical.append(key.count == room ? end : more)
        return Piece(physical: physical, rest: key.count == room ? nil : key.dropFirst(room))
    }

    /// The layer that a pointer's value names.
    static func layer(_ value: UnsafeBufferPointer<UInt8>) throws(CodexError) -> UInt64 {
        guard let layer = unsafe BigEndian.integer(value), layer < 1 << 62 else {
            throw Wire.corrupted("the pointer to a long key's rest")
        }
        return layer
    }
}

extension Transaction {
    /// The value under `key`, in place, or `nil`.
    @inline(__always)
    func get(_ tree: Tree, _ key: [UInt8]) throws(CodexError) -> UnsafeBufferPointer<UInt8>? {
        if key.count < LongKey.pieceByteCount { return unsafe try get(tree.database, key) }
        return unsafe try getLong(tree, key)
    }

    private func getLong(
        _ tree: Tree, _ key: [UInt8]
    ) throws(CodexError) -> UnsafeBufferPointer<UInt8>? {
        var database = tree.database
        var piece = LongKey.piece(key[...], layer: nil)
        while let value = unsafe try get(database, piece.physical) {
            guard let rest = piece.rest else { return unsafe value }
            piece = LongKey.piece(rest, layer: unsafe try LongKey.layer(value))
            database = tree.overflow.long
        }
        return nil
    }

    /// Stores `value` under `key`, and replaces another value.
    func put(_ tree: Tree, _ key: [UInt8], _ value: [UInt8]) throws(CodexError) {
        if key.count < LongKey.pieceByteCount { return try put(tree.database, key, value) }
        var database = tree.database
        var piece = LongKey.piece(key[...], layer: nil)
        var surplus = 0
        while let rest = piece.rest {
            let layer: UInt64
            if let value = unsafe try get(database, piece.physical) {
                layer = unsafe try LongKey.layer(value)
            } else {
                layer = try nextID(tree.overflow)
                try put(database, piece.physical, BigEndian.bytes(layer))
                if database == tree.database { surplus -= 1 }
            }
            piece = LongKey.piece(rest, layer: layer)
            database = tree.overflow.long
        }
        if database != tree.database, unsafe try get(database, piece.physical) == nil {
            surplus += 1
        }
        try put(database, piece.physical, value)
        try addSurplus(surplus, tree)
    }

    /// Removes the value under `key`; returns whether there was one.
    @discardableResult
    func delete(_ tree: Tree, _ key: [UInt8]) throws(CodexError) -> Bool {
        if key.count < LongKey.pieceByteCount { return try delete(tree.database, key) }
        var database = tree.database
        var piece = LongKey.piece(key[...], layer: nil)
        var pointers: [(database: DatabaseID, key: [UInt8], layer: UInt64)] = []
        while let rest = piece.rest {
            guard let value = unsafe try get(database, piece.physical) else { return false }
            let layer = unsafe try LongKey.layer(value)
            pointers.append((database, piece.physical, layer))
            piece = LongKey.piece(rest, layer: layer)
            database = tree.overflow.long
        }
        guard try delete(database, piece.physical) else { return false }
        var surplus = database == tree.database ? 0 : -1
        // An empty layer is removed together with the pointer to it.
        while let pointer = pointers.popLast(), try isEmpty(pointer.layer, tree.overflow) {
            try delete(pointer.database, pointer.key)
            if pointer.database == tree.database { surplus += 1 }
        }
        try addSurplus(surplus, tree)
        return true
    }

    private func isEmpty(_ layer: UInt64, _ overflow: Overflow) throws(CodexError) -> Bool {
        let prefix = BigEndian.bytes(layer)
        do {
            return try withCursor(overflow.long) { cursor in
                guard let entry = unsafe try cursor.seek(prefix) else { return true }
                return unsafe !entry.key.starts(with: prefix)
            }
        } catch {
            throw CodexError.wrapping(error)
        }
    }

    /// A number that the store has not used before.
    func nextID(_ overflow: Overflow) throws(CodexError) -> UInt64 {
        var next: UInt64 = 1
        if let stored = unsafe try get(overflow.meta, Overflow.idKey) {
            guard let last = unsafe BigEndian.integer(stored), last < 1 << 61 else {
                throw Wire.corrupted("the counter of layers and chunks")
            }
            next = last + 1
        }
        try put(overflow.meta, Overflow.idKey, BigEndian.bytes(next))
        return next
    }

    /// The number of keys in the tree.
    func count(_ tree: Tree) throws(CodexError) -> Int {
        try statistics(tree.database).entryCount + surplus(tree)
    }

    private func surplus(_ tree: Tree) throws(CodexError) -> Int {
        guard let stored = unsafe try get(tree.overflow.meta, tree.surplusKey) else { return 0 }
        let surplus = unsafe Int(truncatingIfNeeded: BigEndian.integer(stored) ?? 0)
        guard abs(surplus / 2) < 1 << 52 else { throw Wire.corrupted("a tree's number of keys") }
        return surplus
    }

    private func addSurplus(_ difference: Int, _ tree: Tree) throws(CodexError) {
        guard difference != 0 else { return }
        let sum = try surplus(tree) &+ difference
        try put(
            tree.overflow.meta, tree.surplusKey,
            BigEndian.bytes(UInt64(truncatingIfNeeded: sum)))
    }
}

extension CodexError {
    /// The error of a closure with untyped throws, which is known to throw a `CodexError`.
    static func wrapping(_ error: any Error) -> CodexError {
        (error as? CodexError) ?? CodexError(.corrupted, "The store cannot be read.", cause: error)
    }
}
