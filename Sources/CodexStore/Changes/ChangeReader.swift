internal import CodexCore

/// Reads changes from the log, from a starting point up to the last applied commit.
///
/// Only one task at a time may use it.
final class ChangeReader {
    typealias StartingPoint = CommitReader.StartingPoint

    private let core: StoreCore
    private let tables: LoggedTables
    private let view: StreamView
    private let filter: ChangeFilter
    private let includesSilent: Bool
    private var commits: CommitReader?
    /// The last change before the wanted ones.
    private let after: SequenceNumber?
    private let startingPoint: StartingPoint
    /// The bytes of the log that were read since the last change that passed the filter.
    private(set) var skippedByteCount: UInt64 = 0
    /// The time of the last commit that was read, in milliseconds since 1970; 0 before the first.
    private(set) var commitMilliseconds: UInt64 = 0
    /// The catalog at the last ``read(_:)`` or, before the first, at ``prepare()``.
    ///
    /// The removal of a table gives no changes of its items. Users that keep values of tables
    /// compare catalogs instead.
    private(set) var catalog: Catalog?

    /// Creates a reader.
    ///
    /// - Parameters:
    ///   - core: The store.
    ///   - startingPoint: The place to start at.
    ///   - view: The images that the records have.
    ///   - filter: The changes to return.
    ///   - includesSilent: Whether to return changes that change no attribute, which streams do not
    ///     have. With such a change an item becomes an entity's, or gets its expiry time. It has
    ///     the number of the change after it.
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
        let resumption = core.options.parts.resumption
        after = startingPoint.after.map { resumption?($0) ?? $0 }
        tables = core.loggedTables
    }

    /// The last commit that was read.
    var commit: UInt64 { commits?.position.sequence ?? 0 }

    /// The position in the log after the last commit that was read.
    var position: LogPosition? { commits?.position }

    /// Finds the starting point, so that the reader misses no later change.
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

    /// The maximum bytes of the log that the next ``read(_:)`` reads.
    ///
    /// A record with more bytes than the limit is read alone.
    ///
    /// - Throws: As ``read(_:)``.
    /// - Complexity: It reads only the header of the next record.
    func nextByteCountMax() throws(CodexError) -> Int {
        let applied = try core.appliedSnapshot().position
        var commits = try prepared(applied)
        return max(Self.readByteCountMax, commits.nextByteCount(applied) ?? 0)
    }

    /// Reads the next changes, up to the end of the commit that completes `count` of them.
    ///
    /// It stops before the records have more bytes than ``nextByteCountMax()``.
    ///
    /// - Returns: The changes; none if there are none yet.
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
                commitMilliseconds = record.header.milliseconds
                let byteCount = record.header.recordByteCount
                skippedByteCount = records.isEmpty ? skippedByteCount + UInt64(byteCount) : 0
                rest -= byteCount
                // A filter that passes nothing must not block the caller for long, and records are
                // held in memory.
                if records.count >= count || rest <= 0 { break }
                if let next = commits.nextByteCount(applied), next > rest { break }
            }
        } catch {
            // The changes before the error are valid; the next call throws it.
            guard !records.isEmpty else { throw error }
            return records
        }
        if commits.position.sequence >= applied.sequence { endID = snapshot.transactionID }
        return records
    }

    /// Resets the count of skipped bytes, after the consumer's checkpoint has passed them.
    func forgetSkipped() { skippedByteCount = 0 }

    /// The transaction of the snapshot whose end the last read reached; `nil` if there is more to
    /// read.
    private(set) var endID: Int?

    /// The bytes of records that end one ``read(_:)``.
    static let readByteCountMax = 4 << 20

    /// Adds a commit's wanted changes; none if it fails.
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
            // A change that cannot be decoded must not pass for one that the filter excludes.
            do throws(CodexError) {
                try tables.require(item.table)
            } catch  where error.code == .corrupted {
                // Pruning the log also removed the definitions of removed tables.
                guard try core.oldestSequence() >= record.header.sequence else { throw error }
                throw CommitReader.trimmed(start.sequence)
            }
            if try filter.includes(change) { found.append(change) }
        }
        records += found
    }
}

extension CommitReader.StartingPoint {
    /// The last change before the wanted ones.
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
    /// Whether a change passes the filter.
    func includes(_ change: ChangeRecord) throws(CodexError) -> Bool {
        if let kinds, !kinds.contains(change.kind) { return false }
        if let tables, !tables.contains(change.table) { return false }
        if let entities {
            let isNew = try change.isOf(entities, change.entry.new)
            let wasOld = try change.isOf(entities, change.entry.old)
            guard isNew || wasOld else { return false }
        }
        guard hasKeyPrefix else { return true }
        return includesKey(try change.key)
    }
}
