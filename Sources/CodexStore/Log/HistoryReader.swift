internal import CodexCore

/// What reads the log's history, and up to which commit it has: a consumer, the archive, a
/// follower.
///
/// A full disk takes history from those that lag, and from all others first.
struct HistoryReader: Sendable {
    let name: String
    let sequence: UInt64

    /// The file in `log` that says how far the archive is.
    static let archive = "archived"
    /// How the names of such files begin that are of followers: one for each stream.
    static let followerPrefix = "followed-"
}

extension LogDirectory {
    /// Writes down how far a reader is that the store does not know otherwise.
    ///
    /// It need not survive a power cut, and errors are ignored: it says only what goes last.
    func note(_ reader: String, at sequence: UInt64) {
        let present = try? File(reader, in: directory, .write)
        guard let file = present ?? (try? File(reader, in: directory, .create)) else { return }
        defer { file.close() }
        var bytes: [UInt8] = []
        LittleEndian.append(sequence, to: &bytes)
        try? file.write(bytes, at: 0)
    }

    /// What ``note(_:at:)`` wrote; what is older than `age` is of readers that are gone, and
    /// removed.
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
    /// Everything that reads the log's history.
    ///
    /// It takes no reader of the pool and no lock: the writer asks in the middle of a commit, and
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
