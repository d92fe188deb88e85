internal import CodexCore

/// Reads changes from the log, from a place on and as far as they are applied.
///
/// Used by one task at a time.
final class ChangeReader {
    typealias StartingPoint = CommitReader.StartingPoint

    private let core: StoreCore
    private let tables: LoggedTables
    private let view: StreamView
    private let filter: ChangeFilter
    private let includesSilent: Bool
    private var commits: CommitReader?
    /// Changes up to this one are not wanted.
    private let after: SequenceNumber?
    private let startingPoint: StartingPoint
    /// How many bytes of the log were read since the last change that passed the filter.
    private(set) var skippedByteCount: UInt64 = 0
    /// The tables as the last ``read(_:)``, or before it ``prepare()``, found them.
    ///
    /// A table that is removed gives no changes of its items: those who keep what they read of
    /// tables compare these.
    private(set) var catalog: Catalog?

    /// Creates a reader.
    ///
    /// - Parameters:
    ///   - core: The store.
    ///   - startingPoint: Where to begin.
    ///   - view: Which images the records have.
    ///   - filter: Which changes there are.
    ///   - includesSilent: Whether there are also changes that leave all attributes as they are,
    ///     which streams do not have: an item becomes an entity's, or gets its second of expiry.
    ///     Such a change has the number of the one after it.
    init(
        _ core: StoreCore, from startingPoint: StartingPoint, _ view: StreamView,
        _ filter: ChangeFilter,
        includesSilent: Bool = false
    ) {
        self.core = core
        self.view = view
        self.filter = filter
        self.startingPoint = startingPoint
        self.includesSilent = includesSilent
        after = startingPoint.after
        tables = core.loggedTables
    }

    /// The commit up to which was read.
    var commit: UInt64 { commits?.position.sequence ?? 0 }

    /// Where the log was read up to, at the end of a commit.
    var position: LogPosition? { commits?.position }

    /// Finds the place to begin at, so that what comes from now on is not missed.
    func prepare() throws(CodexError) {
        let applied = try core.appliedSnapshot()
        _ = try prepared(applied.position)
        catalog = applied.catalog
    }

    private func prepared(_ applied: LogPosition) throws(CodexError) -> CommitReader {
        if let commits { return commits }
        let made = try CommitReader(core, from: startingPoint, applied)
        commits = made
        return made
    }

    /// Most bytes of the log that the next ``read(_:)`` goes through: a record that has more than
    /// others together is read alone.
    ///
    /// - Throws: As ``read(_:)``.
    /// - Complexity: Of the next record, only the header is read.
    func nextByteCountMax() throws(CodexError) -> Int {
        let applied = try core.appliedSnapshot().position
        var commits = try prepared(applied)
        return max(Self.readByteCountMax, commits.nextByteCount(applied) ?? 0)
    }

    /// Reads the next changes, up to the end of the commit in which there are `count`.
    ///
    /// It ends before where the records would have more bytes than ``nextByteCountMax()``.
    ///
    /// - Returns: None if there are none yet.
    /// - Throws: ``CodexError/Code/changesTrimmed``, ``CodexError/Code/corrupted``.
    func read(_ count: Int) throws(CodexError) -> [ChangeRecord] {
        endID = nil
        let snapshot = try core.appliedSnapshot()
        let applied = snapshot.position
        var commits = try prepared(applied)
        catalog = snapshot.catalog
        var records: [ChangeRecord] = []
        var rest = Self.readByteCountMax
        do throws(CodexError) {
            while let (record, start) = try commits.next(applied) {
                try append(record, start, to: &records)
                self.commits = commits
                let byteCount = record.header.recordByteCount
                skippedByteCount = records.isEmpty ? skippedByteCount + UInt64(byteCount) : 0
                rest -= byteCount
                // A filter that lets nothing pass must not keep the caller for long, and what is
                // read is held in memory.
                if records.count >= count || rest <= 0 { break }
                if let next = commits.nextByteCount(applied), next > rest { break }
            }
        } catch {
            // What was read before is good; the next call says what is wrong.
            guard !records.isEmpty else { throw error }
            return records
        }
        if commits.position.sequence >= applied.sequence { endID = snapshot.transactionID }
        return records
    }

    /// Takes note that what was skipped is checkpointed.
    func forgetSkipped() { skippedByteCount = 0 }

    /// The transaction of the snapshot to whose end the last read came; `nil` if there is more to
    /// read at once.
    private(set) var endID: Int?

    /// Bytes of records that one ``read(_:)`` goes through.
    static let readByteCountMax = 4 << 20

    /// Adds those of a commit's changes that are wanted; none if it fails.
    private func append(
        _ record: LogRecord, _ start: LogPosition, to records: inout [ChangeRecord]
    ) throws(CodexError) {
        var commit: LoggedCommit?
        var ordinal: UInt32 = 0
        var found: [ChangeRecord] = []
        try LogBody.forEach(record) { entry throws(CodexError) in
            guard case .item(let item) = entry, includesSilent || !item.isSilent else { return }
            defer { if !item.isSilent { ordinal += 1 } }
            let number = SequenceNumber(commit: record.header.sequence, ordinal: ordinal)
            if let after, number <= after { return }
            let logged = commit ?? LoggedCommit(record, start, tables)
            commit = logged
            let change = ChangeRecord(
                sequenceNumber: number, commit: logged, entry: item, view: view)
            // Whatever cannot be found out must not pass for what the filter leaves out.
            do throws(CodexError) {
                try tables.require(item.table)
            } catch  where error.code == .corrupted {
                // The log was pruned, and what is kept of removed tables went with it.
                guard try core.oldestSequence() >= record.header.sequence else { throw error }
                throw CommitReader.trimmed(start.sequence)
            }
            if try filter.includes(change) { found.append(change) }
        }
        records += found
    }
}

extension CommitReader.StartingPoint {
    /// The last change that is not wanted.
    fileprivate var after: SequenceNumber? {
        switch self {
        case .log(_, let after): after
        case .stream(let position):
            if case .after(let number) = position.kind { number } else { nil }
        }
    }
}

extension ChangeRecord {
    fileprivate func isOf(
        _ entities: Set<String>, _ image: Range<Int>?
    ) throws(CodexError) -> Bool {
        guard let image else { return false }
        let name = try commit.tables.requiredEntityName(try commit.entityNumber(image))
        return name.map { entities.contains($0) } ?? false
    }
}

extension ChangeFilter {
    /// Whether a change passes.
    func includes(_ change: ChangeRecord) throws(CodexError) -> Bool {
        if let kinds, !kinds.contains(change.kind) { return false }
        if let tables, !tables.contains(change.table) { return false }
        if let entities {
            let isNew = try change.isOf(entities, change.entry.new)
            let wasOld = try change.isOf(entities, change.entry.old)
            guard isNew || wasOld else { return false }
        }
        guard partitionKeyPrefix != nil || sortKeyPrefix != nil else { return true }
        let key = try change.key
        return Self.matches(partitionKeyPrefix, key.partition)
            && Self.matches(sortKeyPrefix, key.sort)
    }

    private static func matches(_ prefix: String?, _ value: AttributeValue?) -> Bool {
        guard let prefix else { return true }
        guard let text = value?.string else { return false }
        return text.utf8.starts(with: prefix.utf8)
    }
}
