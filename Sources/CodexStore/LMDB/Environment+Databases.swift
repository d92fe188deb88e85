internal import CodexCLMDB
internal import CodexCore

/// The handles of databases, whose numbers other objects keep.
///
/// They must stay the same when the environment is opened again.
extension Environment {
    /// The number of the first handle that a program gets: LMDB uses two databases itself.
    private static let firstNumber: MDB_dbi = 2

    /// The databases whose handles are open, in the order of their numbers, without gaps.
    ///
    /// The number of a closed handle gets a database that this process did not use: LMDB assigns
    /// the lowest free number. The caller holds the schema lock.
    ///
    /// - Throws: ``CodexError/Code/limitReached`` if a number stays free.
    func databaseNames() throws(CodexError) -> [String] {
        let transaction = try begin(readOnly: true)
        // The abort closes the handles that are opened here.
        defer { transaction.abort() }
        let last = lastNumber(transaction)
        var names: [MDB_dbi: String] = [:]
        for name in try storedNames(transaction) {
            do throws(CodexError) {
                guard let database = try transaction.open(name, create: false) else { continue }
                names[database.raw] = name
            } catch  where error.code == .limitReached {
                // No number is free; the databases with open handles may come later in the list.
                continue
            }
        }
        let numbers = Self.firstNumber..<max(last + 1, Self.firstNumber)
        let ordered = numbers.compactMap { names[$0] }
        guard ordered.count == numbers.count else {
            throw CodexError(
                .limitReached,
                "The process has handles of databases that cannot be opened again under their "
                    + "numbers. Close the store, open it, and compact it then.")
        }
        return ordered
    }

    /// The highest number of an open handle.
    private func lastNumber(_ transaction: Transaction) -> MDB_dbi {
        var last = Self.firstNumber - 1
        for number in Self.firstNumber..<Self.firstNumber + Self.databaseCountMax
        where (try? transaction.statistics(DatabaseID(raw: number))) != nil {
            last = number
        }
        return last
    }

    private func storedNames(_ transaction: Transaction) throws(CodexError) -> [String] {
        do {
            return try transaction.withCursor(DatabaseID.unnamed) { cursor in
                var names: [String] = []
                var entry = unsafe try cursor.first()
                while let current = unsafe entry {
                    // The one entry that is no database.
                    if unsafe !current.key.elementsEqual(LogPosition.key) {
                        names.append(unsafe String(decoding: current.key, as: UTF8.self))
                    }
                    unsafe entry = try cursor.next()
                }
                return names
            }
        } catch {
            throw CodexError.wrapping(error)
        }
    }

    /// Opens databases so that their handles get the same numbers as before.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` if one is missing.
    func openDatabases(_ names: [String]) throws(CodexError) {
        let transaction = try begin(readOnly: true)
        do throws(CodexError) {
            for (number, name) in zip(Self.firstNumber..., names) {
                guard try transaction.open(name, create: false)?.raw == number else {
                    throw Wire.corrupted("a database of the compacted file")
                }
            }
        } catch {
            transaction.abort()
            throw error
        }
        // An abort would close the handles.
        try transaction.commit()
    }
}
