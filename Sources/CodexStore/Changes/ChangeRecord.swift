public import CodexCore
internal import CodexIndex
public import FoundationEssentials

/// One change of one item, read from the log.
///
/// Images are decoded on access. A change that changes no attribute has no record.
public struct ChangeRecord: Sendable {
    /// The effect of a change on its item.
    public typealias Kind = ChangeKind

    /// The change's place in the stream.
    public let sequenceNumber: SequenceNumber
    let commit: LoggedCommit
    let entry: LogEntry.Item
    let view: StreamView

    /// The effect on the item.
    public var kind: Kind { entry.kind }

    /// Whether the item was removed because its time to live was over.
    public var isExpiry: Bool { entry.isExpiry }

    /// The time of the commit, in whole milliseconds, by the clock of the process that wrote.
    public var time: Date { commit.time }

    /// The name of the table.
    public var table: String { commit.tables.name(entry.table) ?? "" }

    /// The name of the item's entity, also of a removed item; `nil` for a raw item.
    public var entity: String? {
        get throws(CodexError) {
            guard let range = entry.new ?? entry.old else { return nil }
            return commit.tables.entityName(try commit.entityNumber(range))
        }
    }

    /// The item's primary key.
    public var key: PrimaryKey {
        get throws(CodexError) {
            try commit.tables.plan(entry.table).primaryKey(commit.bytes[entry.key].span)
        }
    }

    /// The item after the change; `nil` if it was removed or the view does not have it.
    public var newImage: Item? {
        get throws(CodexError) {
            guard view == .newImage || view == .newAndOldImages else { return nil }
            return try entry.new.map { range throws(CodexError) in try decoded(range).item }
        }
    }

    /// The item before the change; `nil` if there was none or the view does not have it.
    public var oldImage: Item? {
        get throws(CodexError) {
            guard view == .oldImage || view == .newAndOldImages else { return nil }
            return try entry.old.map { range throws(CodexError) in try decoded(range).item }
        }
    }

    /// ``newImage``, whose memory is reserved before it is decoded.
    package func newImage(reserving memory: DecodedMemory) throws(CodexError) -> Item? {
        guard view == .newImage || view == .newAndOldImages, let range = entry.new else {
            return nil
        }
        return try decoded(range, memory).item
    }

    /// ``oldImage``, whose memory is reserved before it is decoded.
    package func oldImage(reserving memory: DecodedMemory) throws(CodexError) -> Item? {
        guard view == .oldImage || view == .newAndOldImages, let range = entry.old else {
            return nil
        }
        return try decoded(range, memory).item
    }

    /// ``newImage`` in any view; encrypted fields are opened if their keys are available.
    package var openedNewImage: Item? {
        get throws(CodexError) { try opened(entry.new) }
    }

    /// ``oldImage`` in any view; encrypted fields are opened if their keys are available.
    package var openedOldImage: Item? {
        get throws(CodexError) { try opened(entry.old) }
    }

    /// The identifier of the change's store: sequence numbers are valid in one store only.
    package var storeIdentifier: String { commit.tables.storeID.uuidString }

    /// The item after the change, as an entity.
    ///
    /// - Returns: `nil` as ``newImage``, and if the item is of another entity.
    /// - Throws: As ``Entity/upgraded(_:from:)`` and the entity's initializer.
    public func new<E: Entity>(as type: E.Type) throws(CodexError) -> E? {
        guard view == .newImage || view == .newAndOldImages, let range = entry.new else {
            return nil
        }
        return try value(type, range)
    }

    /// The item before the change, as an entity.
    ///
    /// - Returns: `nil` as ``oldImage``, and if the item was of another entity.
    /// - Throws: As ``new(as:)``.
    public func old<E: Entity>(as type: E.Type) throws(CodexError) -> E? {
        guard view == .oldImage || view == .newAndOldImages, let range = entry.old else {
            return nil
        }
        return try value(type, range)
    }

    private func value<E: Entity>(_ type: E.Type, _ range: Range<Int>) throws(CodexError) -> E? {
        let decoded = try decoded(range)
        guard commit.tables.entityName(decoded.header.entityNumber) == type.definition.name else {
            return nil
        }
        let item = try commit.tables.opened(decoded.item, decoded.header)
        return try E(item: E.upgraded(item, from: decoded.header.schemaVersion))
    }

    /// An image whose encrypted fields are opened if their keys are available.
    private func opened(_ range: Range<Int>?) throws(CodexError) -> Item? {
        guard let range else { return nil }
        let decoded = try decoded(range)
        return try commit.tables.opened(decoded.item, decoded.header)
    }

    private func decoded(
        _ range: Range<Int>, _ memory: DecodedMemory? = nil
    ) throws(CodexError) -> (item: Item, header: ItemHeader) {
        try commit.decode(range, key: entry.key, table: entry.table, memory)
    }
}

extension LogEntry.Item {
    var kind: ChangeRecord.Kind {
        if new == nil { return .remove }
        return old == nil ? .insert : .modify
    }
}

/// A commit's record and the data for decoding it; its changes share it.
final class LoggedCommit: Sendable {
    let header: LogRecordHeader
    let bytes: [UInt8]
    /// The position in the log before the record.
    let start: LogPosition
    let tables: LoggedTables

    init(_ record: LogRecord, _ start: LogPosition, _ tables: LoggedTables) {
        header = record.header
        bytes = record.bytes
        self.start = start
        self.tables = tables
    }

    var time: Date { Date(milliseconds: header.milliseconds) }

    /// The number of the entity in an item's stored form.
    func entityNumber(_ range: Range<Int>) throws(CodexError) -> Int {
        var position = range.lowerBound + 1
        let bytes = bytes
        let value = try Wire.integer(bytes.span, &position)
        guard let number = Int(exactly: value) else {
            throw Wire.corrupted("an entity's number")
        }
        return number
    }

    func decode(
        _ range: Range<Int>, key: Range<Int>, table: Int, _ memory: DecodedMemory? = nil
    ) throws(CodexError) -> (item: Item, header: ItemHeader) {
        let plan = try tables.plan(table)
        return try unsafe bytes.withUnsafeBufferPointer { buffer throws(CodexError) in
            let item = try unsafe ItemBytes(
                value: UnsafeBufferPointer(rebasing: buffer[range]),
                key: UnsafeBufferPointer(rebasing: buffer[key]), keys: plan, shapes: tables)
            if let memory { return (try item.item(reserving: memory), item.layout.header) }
            return (try item.item(), item.layout.header)
        }
    }
}
