internal import CodexCore

/// A reader of the log's history: a consumer, the archive, or a follower.
///
/// `sequence` is the last commit that it has read.
///
/// If the disk is full, history that no reader needs is removed first, and then history that slow
/// readers need.
struct HistoryReader: Sendable {
    let name: String
    let sequence: UInt64

    /// The name of the file in `log` that has the archive's position.
    static let archive = "archived"
    /// The prefix of the names of such files for followers, one for each stream.
    static let followerPrefix = "followed-"
}

extension LogDirectory {
    /// Stores the position of a reader that is not stored in the database.
    ///
    /// It need not survive a power cut, and errors are ignored: it only affects which history is
    /// removed last.
    func note(_ reader: String, at sequence: UInt64) {
        let present = try? File(reader, in: directory, .write)
        guard let file = present ?? (try? File(reader, in: directory, .create)) else { return }
        defer { file.close() }
        var bytes: [UInt8] = []
        LittleEndian.append(sequence, to: &bytes)
        try? file.write(bytes, at: 0)
    }

    /// The readers that ``note(_:at:)`` stored.
    ///
    /// A file older than `age` belongs to a reader that is gone, and is removed.
    func notedReaders(_ age: Duration) -> [HistoryReader] {
        ((try? directory.entries()) ?? []).compactMap { name in
            guard name == HistoryReader.archive || name.hasPrefix(HistoryReader.followerPrefix),
                let instant = try? directory.modified(name)
            else { return nil }
            guard instant.age <= age / .seconds(1) else {
                directory.remove(name)
                return nil
            }
            guard let bytes = try? directory.read(name, limit: 8), bytes.count == 8 else {
                return nil
            }
            return HistoryReader(name: name, sequence: LittleEndian.integer(bytes, at: 0))
        }
    }
}

extension HistoryReader {
    /// All readers of the log's history.
    ///
    /// It takes no reader of the pool and no lock, since the writer calls it during a commit and
    /// while the store closes.
    static func all(_ core: StoreCore) throws -> [HistoryReader] {
        let transaction = try core.environment.begin(readOnly: true)
        defer { transaction.abort() }
        let consumers = try transaction.withCursor(core.catalog.consumers) { cursor in
            var found: [HistoryReader] = []
            var entry = unsafe try cursor.seek([0])
            while let current = unsafe entry, unsafe current.key.first == 0 {
                let name = unsafe String(decoding: current.key.dropFirst(), as: UTF8.self)
                let state = try Consumer(json: unsafe Array(current.value))
                found.append(HistoryReader(name: name, sequence: state.readSequence))
                unsafe entry = try cursor.next()
            }
            return found
        }
        return consumers
            + core.logDirectory.notedReaders(core.options.changeRetention.age)
    }
}
