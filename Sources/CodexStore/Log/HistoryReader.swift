internal import CodexCore

/// What reads the log's history, and up to which commit it has: a consumer, the archive, a follower.
///
/// A full disk takes history from those that lag, and from all others first.
struct HistoryReader: Sendable {
    let name: String
    let sequence: UInt64

    /// The names of the files in `log` that say how far the archive and the followers are.
    static let archive = "archived"
    static let follower = "followed"
}

extension LogDirectory {
    /// Writes down how far a reader is that the store does not know otherwise.
    ///
    /// It need not survive a power cut, and errors are ignored: it says only what goes last.
    func note(_ reader: String, at sequence: UInt64) {
        guard
            let file = (try? File(reader, in: directory, .write))
                ?? (try? File(reader, in: directory, .create))
        else { return }
        defer { file.close() }
        var bytes: [UInt8] = []
        LittleEndian.append(sequence, to: &bytes)
        try? file.write(bytes, at: 0)
    }

    /// What ``note(_:at:)`` wrote, if anything.
    func noted(_ reader: String) -> HistoryReader? {
        guard let bytes = try? directory.read(reader, limit: 8), bytes.count == 8 else {
            return nil
        }
        return HistoryReader(name: reader, sequence: LittleEndian.integer(bytes, at: 0))
    }
}

extension StoreCore {
    /// Everything that reads the log's history.
    func historyReaders() throws -> [HistoryReader] {
        let consumers = try withReader { context in
            try context.consumers().map {
                HistoryReader(name: $0.name, sequence: $0.state.sequenceNumber.lastWholeCommit)
            }
        }
        return consumers
            + [HistoryReader.archive, HistoryReader.follower].compactMap { logDirectory.noted($0) }
    }
}
