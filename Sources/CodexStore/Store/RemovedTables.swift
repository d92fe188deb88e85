internal import CodexCore
internal import FoundationEssentials

/// The definitions of removed, empty tables, which reading the log needs: entries of `meta`.
///
/// They are not in the manifest, which is written and read at each change of the schema. A later
/// removal of a table deletes an entry once neither the log nor a dead letter needs it.
enum RemovedTables {
    private static let prefix = Array("removed ".utf8)
    /// The maximum number of entries that one change of the schema deletes.
    private static let forgottenCountMax = 100

    /// The entry's key: the commit that removed the table, then the table's number.
    private static func key(_ sequence: UInt64, _ number: UInt64) -> [UInt8] {
        prefix + BigEndian.bytes(sequence) + BigEndian.bytes(number)
    }

    /// The entry of a table.
    static func entry(
        _ table: Manifest.Dropped
    ) throws(CodexError) -> (key: [UInt8], value: [UInt8]?) {
        let definition = try ManifestCoding.encoded(table.definition)
        return (key(table.sequence, UInt64(table.number)), definition)
    }

    /// The definition of the table with a number; `nil` if it has no entry.
    ///
    /// - Complexity: Linear in the number of entries.
    static func definition(
        _ number: Int, _ transaction: Transaction, _ meta: DatabaseID
    ) throws(CodexError) -> TableDefinition? {
        let suffix = BigEndian.bytes(UInt64(number))
        var json: [UInt8]?
        unsafe try forEach(transaction, meta) { key, value in
            guard unsafe key.suffix(8).elementsEqual(suffix) else { return true }
            json = unsafe Array(value)
            return false
        }
        guard let json else { return nil }
        guard let definition = try? JSONDecoder().decode(TableDefinition.self, from: Data(json))
        else { throw Wire.corrupted("a removed table's definition") }
        return definition
    }

    /// The commit that removed the table with a number; `nil` if it has no entry.
    ///
    /// - Complexity: Linear in the number of entries.
    static func sequence(
        _ number: Int, _ transaction: Transaction, _ meta: DatabaseID
    ) throws(CodexError) -> UInt64? {
        let suffix = BigEndian.bytes(UInt64(number))
        var sequence: UInt64?
        unsafe try forEach(transaction, meta) { key, _ in
            guard unsafe key.suffix(8).elementsEqual(suffix) else { return true }
            sequence = unsafe BigEndian.integer(key.dropFirst(prefix.count).prefix(8))
            return false
        }
        return sequence
    }

    /// Whether a table of a name has an entry.
    ///
    /// - Complexity: Linear in the number of entries.
    static func contains(
        _ name: String, _ transaction: Transaction, _ meta: DatabaseID
    ) throws(CodexError) -> Bool {
        struct Name: Decodable { let name: String }
        var isFound = false
        unsafe try forEach(transaction, meta) { _, value in
            let json = Data(unsafe Array(value))
            isFound = (try? JSONDecoder().decode(Name.self, from: json))?.name == name
            return !isFound
        }
        return isFound
    }

    /// The keys of entries that neither the log nor a dead letter needs.
    ///
    /// - Parameters:
    ///   - core: The store.
    ///   - transaction: The transaction that reads the entries.
    /// - Returns: At most a hundred of them, the oldest first.
    /// - Throws: The errors of LMDB, and of reading the log's directory.
    static func obsoleteKeys(
        _ core: StoreCore, _ transaction: Transaction
    ) throws(CodexError) -> [[UInt8]] {
        var oldest = try core.oldestSequence()
        if let oldestLetter = try DeadLetter.oldestCommit(transaction, core.catalog.consumers) {
            oldest = min(oldest, oldestLetter - min(oldestLetter, 1))
        }
        return try obsoleteKeys(upTo: oldest, transaction, core.catalog.meta)
    }

    /// The keys of entries of tables that were removed up to a commit.
    ///
    /// - Parameters:
    ///   - oldest: The last commit that the log does not have any more.
    ///   - transaction: The transaction that reads the entries.
    ///   - meta: The database `meta`.
    /// - Returns: At most a hundred of them, the oldest first.
    /// - Throws: The errors of LMDB.
    static func obsoleteKeys(
        upTo oldest: UInt64, _ transaction: Transaction, _ meta: DatabaseID
    ) throws(CodexError) -> [[UInt8]] {
        var keys: [[UInt8]] = []
        unsafe try forEach(transaction, meta) { key, _ in
            let sequence = unsafe BigEndian.integer(
                key.dropFirst(prefix.count).prefix(8))
            guard let sequence, sequence <= oldest, keys.count < forgottenCountMax else {
                return false
            }
            unsafe keys.append(Array(key))
            return true
        }
        return keys
    }

    /// Calls `body` with each entry, in the order of removal, while it returns `true`.
    private static func forEach(
        _ transaction: Transaction, _ meta: DatabaseID,
        _ body: (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>) -> Bool
    ) throws(CodexError) {
        do {
            try transaction.withCursor(meta) { cursor in
                var entry = unsafe try cursor.seek(prefix)
                while let found = unsafe entry, unsafe found.key.starts(with: prefix),
                    unsafe found.key.count == prefix.count + 16,
                    unsafe body(found.key, found.value)
                {
                    unsafe entry = try cursor.next()
                }
            }
        } catch {
            throw CodexError.wrapping(error)
        }
    }
}
