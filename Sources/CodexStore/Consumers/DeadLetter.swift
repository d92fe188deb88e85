internal import CodexCore

/// A change that kept failing, stored with its error until it is retried or discarded.
///
/// It has its own copy of the change's images, because the log may lose them.
public struct DeadLetter: Sendable {
    /// The change.
    public let change: ChangeRecord
    /// The text of the error of the consumer's body, at most its first 64 KiB.
    ///
    /// It may contain user data, as the body's errors may. In a store whose schema names encrypted
    /// fields, it has no user data: for a ``CodexError`` it is the code and the message, and for
    /// any other error the name of its type.
    public let error: String
    /// The number of attempts so far.
    public let attemptCount: Int

    /// The maximum bytes of an error's text.
    static let errorByteCountMax = 64 << 10

    /// Creates a dead letter.
    ///
    /// - Parameters:
    ///   - change: The change.
    ///   - error: The error of the consumer's body.
    ///   - attemptCount: The number of attempts so far.
    ///   - hidesValues: Whether the text must not contain values of encrypted fields, which the
    ///     body may have read. The text is stored unencrypted.
    init(change: ChangeRecord, error: any Error, attemptCount: Int, hidesValues: Bool) {
        self.change = change
        let text = hidesValues ? Self.textWithoutValues(error) : String(describing: error)
        self.error = Self.shortened(text)
        self.attemptCount = attemptCount
    }

    private static func textWithoutValues(_ error: any Error) -> String {
        // The cause may be an error with any text.
        if let error = error as? CodexError { return "\(error.code): \(error.message)" }
        return "\(type(of: error))"
    }

    /// The beginning of a text that is too long, in whole Unicode scalars.
    private static func shortened(_ text: String) -> String {
        let bytes = Array(text.utf8)
        guard bytes.count > errorByteCountMax else { return text }
        var end = errorByteCountMax
        // All bytes of a scalar but the first have these two bits.
        while end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
        return String(decoding: bytes[..<end], as: UTF8.self)
    }

    /// The same change after another failure.
    func failedAgain(_ error: any Error, hidesValues: Bool) -> DeadLetter {
        DeadLetter(
            change: change, error: error, attemptCount: min(attemptCount, .max - 1) + 1,
            hidesValues: hidesValues)
    }

    // MARK: Stored form

    /// The prefix of the keys of a consumer's dead letters.
    static func prefix(_ consumer: String) -> [UInt8] { [1] + consumer.utf8 + [0] }

    static func key(_ consumer: String, _ number: SequenceNumber) -> [UInt8] {
        prefix(consumer) + BigEndian.bytes(number.commit) + BigEndian.bytes(number.ordinal)
    }

    func key(_ consumer: String) -> [UInt8] { Self.key(consumer, change.sequenceNumber) }

    /// The attempts, the time, the error, and the change's entry in the log's form.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        Wire.append(UInt64(attemptCount), to: &bytes)
        Wire.append(change.commit.header.milliseconds, to: &bytes)
        Wire.append(error, to: &bytes)
        let (entry, log) = (change.entry, change.commit.bytes)
        LogBody.appendItem(
            table: entry.table, key: Array(log[entry.key]), old: entry.old.map { Array(log[$0]) },
            new: entry.new.map { Array(log[$0]) }, isExpiry: entry.isExpiry, isSilent: false,
            to: &bytes)
        return bytes
    }

    /// Reads a stored dead letter.
    init(
        _ entry: (key: [UInt8], value: [UInt8]), _ view: StreamView, _ tables: LoggedTables
    ) throws(CodexError) {
        let (number, bytes) = (try Self.number(entry.key), entry.value)
        let stored = try Stored(bytes)
        (attemptCount, error) = (stored.attemptCount, stored.error)
        let header = LogRecordHeader(
            bodyByteCount: 0, previousChecksum: 0, sequence: number.commit, incarnation: 0,
            flushedSequence: 0, milliseconds: stored.milliseconds)
        let record = LogRecord(header: header, bytes: bytes, body: 0..<bytes.count)
        change = ChangeRecord(
            sequenceNumber: number, commit: LoggedCommit(record, .none, tables),
            entry: stored.item, view: view)
    }

    /// The parts of ``bytes``.
    private struct Stored {
        let attemptCount: Int
        let milliseconds: UInt64
        let error: String
        let item: LogEntry.Item

        init(_ bytes: [UInt8]) throws(CodexError) {
            var position = 0
            attemptCount = Int(clamping: try Wire.integer(bytes.span, &position))
            milliseconds = try Wire.integer(bytes.span, &position)
            error = try Wire.text(bytes.span, &position)
            guard case .item(let item) = try LogBody.entry(bytes, &position),
                position == bytes.count
            else { throw Wire.corrupted("a dead letter") }
            self.item = item
        }
    }

    /// Throws unless an entry of `consumers` has the form of a dead letter.
    ///
    /// - Throws: ``CodexError/Code/corrupted``.
    static func requireWellFormed(_ key: [UInt8], _ value: [UInt8]) throws(CodexError) {
        _ = try number(key)
        guard try Stored(value).milliseconds < 1 << 62 else {
            throw Wire.corrupted("a dead letter")
        }
    }

    /// The commit of the oldest dead letter of any consumer; `nil` if there is none.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` for a key that is not a dead letter's, and the
    ///   errors of LMDB.
    /// - Complexity: O(*n*) for *n* consumers.
    static func oldestCommit(
        _ transaction: Transaction, _ consumers: DatabaseID
    ) throws(CodexError) -> UInt64? {
        do {
            return try transaction.withCursor(consumers) { cursor in
                var oldest: UInt64?
                var entry = unsafe try cursor.seek([1])
                while let found = unsafe entry, unsafe found.key.first == 1 {
                    let key = unsafe Array(found.key)
                    let commit = try number(key).commit
                    oldest = min(oldest ?? commit, commit)
                    // The next consumer follows: the separator after the name is a zero byte.
                    let consumer = Array(key.dropLast(1 + numberByteCount))
                    unsafe entry = try cursor.advance(to: consumer + [1])
                }
                return oldest
            }
        } catch {
            throw CodexError.wrapping(error)
        }
    }

    private static let numberByteCount = 12

    /// The number of the change in a key.
    ///
    /// - Throws: ``CodexError/Code/corrupted`` for a key that ``key(_:_:)`` does not make.
    private static func number(_ key: [UInt8]) throws(CodexError) -> SequenceNumber {
        let name = key.dropFirst().prefix { $0 != 0 }
        let number = key.suffix(numberByteCount)
        guard key.first == 1, Consumer.isName(name),
            key.count == 1 + name.count + 1 + numberByteCount,
            let commit = BigEndian.integer(number.prefix(8)), commit < 1 << 62
        else { throw Wire.corrupted("the key of a dead letter") }
        let ordinal = number.suffix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return SequenceNumber(commit: commit, ordinal: ordinal)
    }
}
