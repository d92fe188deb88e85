internal import CodexCore

/// A part of LMDB's contents that is not derived from items, and whose changes the log has as they
/// are.
enum SystemSpace: UInt8 {
    case meta = 1
    case shapes, tokens, consumers
}

/// One change of a commit in its log record; ranges are of the record's bytes.
enum LogEntry {
    struct Item {
        var table: Int
        var key: Range<Int>
        /// The stored form of the item before and after the change; `nil` if there is no item.
        var old: Range<Int>?
        var new: Range<Int>?
        /// Whether the item was removed because it expired.
        var isExpiry: Bool
        /// Whether the attributes stay the same, so that streams do not have the change.
        var isSilent: Bool
    }

    case item(Item)
    case system(SystemSpace, key: Range<Int>, value: Range<Int>?)
}

/// The body of a commit's log record: entries, one after another.
///
/// Byte map in `Docs/Format.md`.
enum LogBody {
    private static let itemKind: UInt8 = 1
    private static let putKind: UInt8 = 2
    private static let deleteKind: UInt8 = 3

    private enum Flag {
        static let old: UInt8 = 1
        static let new: UInt8 = 2
        static let expiry: UInt8 = 4
        static let silent: UInt8 = 8
    }

    static func appendItem(
        table: Int, key: [UInt8], old: [UInt8]?, new: [UInt8]?, isExpiry: Bool, isSilent: Bool,
        to body: inout [UInt8]
    ) {
        body.append(itemKind)
        body.append(
            (old == nil ? 0 : Flag.old) | (new == nil ? 0 : Flag.new)
                | (isExpiry ? Flag.expiry : 0) | (isSilent ? Flag.silent : 0))
        Wire.append(UInt64(table), to: &body)
        append(key, to: &body)
        if let old { append(old, to: &body) }
        if let new { append(new, to: &body) }
    }

    static func appendSystem(
        _ space: SystemSpace, key: [UInt8], value: [UInt8]?, to body: inout [UInt8]
    ) {
        body.append(value == nil ? deleteKind : putKind)
        body.append(space.rawValue)
        append(key, to: &body)
        if let value { append(value, to: &body) }
    }

    private static func append(_ bytes: [UInt8], to body: inout [UInt8]) {
        Wire.append(UInt64(bytes.count), to: &body)
        body.append(contentsOf: bytes)
    }

    /// Reads the entry at `position`, and moves `position` to its end.
    static func entry(
        _ bytes: [UInt8], _ position: inout Int
    ) throws(CodexError) -> LogEntry {
        let span = bytes.span
        guard position + 2 <= span.count else { throw Wire.truncated }
        let (kind, second) = (span[position], span[position + 1])
        position += 2
        func range() throws(CodexError) -> Range<Int> {
            let count = try Wire.count(span, &position)
            defer { position += count }
            return position..<position + count
        }
        switch kind {
        case itemKind:
            guard let table = Int(exactly: try Wire.integer(span, &position)) else {
                throw Wire.corrupted("a table's number in the log")
            }
            return .item(
                .init(
                    table: table, key: try range(),
                    old: second & Flag.old != 0 ? try range() : nil,
                    new: second & Flag.new != 0 ? try range() : nil,
                    isExpiry: second & Flag.expiry != 0, isSilent: second & Flag.silent != 0))
        case putKind, deleteKind:
            guard let space = SystemSpace(rawValue: second) else {
                throw Wire.corrupted("a part of the store in the log")
            }
            return .system(
                space, key: try range(), value: kind == putKind ? try range() : nil)
        default: throw Wire.corrupted("an entry of the log")
        }
    }

    /// Calls `body` with each entry of a record.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` also if the last entry does not end at the record's
    ///   end.
    static func forEach(
        _ record: LogRecord, _ body: (LogEntry) throws(CodexError) -> Void
    ) throws(CodexError) {
        var position = record.body.lowerBound
        while position < record.body.upperBound {
            let entry = try entry(record.bytes, &position)
            guard position <= record.body.upperBound else { throw Wire.truncated }
            try body(entry)
        }
    }
}
