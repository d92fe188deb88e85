internal import CodexCore
internal import FoundationEssentials

/// The stored state of a consumer: JSON in the database `consumers`, under 0x00 and its name.
struct Consumer: Codable {
    var filter: ChangeFilter
    /// The commit of the checkpoint: changes up to ``sequenceNumber`` are done.
    var commit: UInt64
    var ordinal: UInt32
    /// The position in the log before that commit; segment 0 if it is not known.
    var segment: UInt64 = 0
    var offset: UInt64 = 0
    var checksum: UInt32 = 0
    var before: UInt64 = 0
    /// The time of the commit, in milliseconds since 1970; before the first commit, that of the
    /// registration.
    var milliseconds: UInt64 = 0
    /// The last commit before the one that stored this state.
    var movedAfter: UInt64?

    var sequenceNumber: SequenceNumber { SequenceNumber(commit: commit, ordinal: ordinal) }

    /// The last commit that the consumer no longer needs in the log; it may start after its
    /// checkpoint.
    var readSequence: UInt64 { max(sequenceNumber.lastWholeCommit, segment == 0 ? 0 : before) }

    /// The position in the log before the commit of the checkpoint; segment 0 if it is not known.
    var logPosition: LogPosition {
        LogPosition(
            sequence: before, segment: segment, offset: offset, checksum: checksum, changeCount: 0)
    }

    var startingPoint: ChangeReader.StartingPoint { .log(logPosition, after: sequenceNumber) }

    /// Moves the checkpoint to a change.
    mutating func move(to record: ChangeRecord) {
        move(to: record.sequenceNumber, before: record.commit.start)
        milliseconds = record.commit.header.milliseconds
    }

    /// Moves the checkpoint to the end of a commit, or to `number` within the one after it.
    mutating func move(to position: LogPosition, _ number: SequenceNumber? = nil, now: UInt64) {
        move(to: number ?? SequenceNumber(commit: position.sequence), before: position)
        milliseconds = now
    }

    /// Moves the checkpoint to a change; `position` is the one before or after its commit.
    private mutating func move(to number: SequenceNumber, before position: LogPosition) {
        (commit, ordinal) = (number.commit, number.ordinal)
        (before, segment) = (position.sequence, position.segment)
        (offset, checksum) = (position.offset, position.checksum)
    }

    /// Throws if the checkpoint is not the expected one.
    func require(_ expected: SequenceNumber) throws(CodexError) {
        guard sequenceNumber == expected else {
            throw CodexError(
                .consumerMoved,
                "The consumer's checkpoint is at \(sequenceNumber), not \(expected): another process "
                    + "consumes under the same name. Read on from there.")
        }
    }

    // MARK: Stored form

    /// Whether bytes are a consumer's name.
    static func isName(_ bytes: ArraySlice<UInt8>) -> Bool {
        (1...StoreLimits.consumerNameByteCountMax).contains(bytes.count) && !bytes.contains(0)
            && String(validating: bytes, as: UTF8.self) != nil
    }

    /// Throws unless an entry of `consumers` is a consumer's state or a dead letter of one.
    ///
    /// - Throws: ``CodexError/Code/corrupted``.
    static func requireWellFormed(_ key: [UInt8], _ value: [UInt8]) throws(CodexError) {
        guard key.first == 0 else { return try DeadLetter.requireWellFormed(key, value) }
        guard isName(key.dropFirst()) else { throw Wire.corrupted("the name of a consumer") }
        _ = try Consumer(json: value)
    }

    static func key(_ name: String) throws(CodexError) -> [UInt8] {
        let bytes = Array(name.utf8)
        guard isName(bytes[...]) else {
            throw CodexError(
                .invalidArgument,
                "A consumer's name has 1 to \(StoreLimits.consumerNameByteCountMax) bytes, none of "
                    + "them "
                    + "zero.")
        }
        return [0] + bytes
    }

    /// Creates the state of a consumer that starts after a change.
    init(filter: ChangeFilter, after number: SequenceNumber, now: UInt64) {
        self.filter = filter
        milliseconds = now
        (commit, ordinal) = (number.commit, number.ordinal)
    }

    init(json: [UInt8]) throws(CodexError) {
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(json))
        } catch {
            throw Wire.corrupted("a consumer's checkpoint")
        }
        guard [commit, before, milliseconds, movedAfter ?? 0].allSatisfy({ $0 < 1 << 62 }),
            segment < 1 << 62, offset < 1 << 48
        else {
            throw Wire.corrupted("a consumer's checkpoint")
        }
    }

    func json() throws(CodexError) -> [UInt8] {
        do {
            return Array(try JSONEncoder().encode(self))
        } catch {
            throw CodexError(.invalidArgument, "The filter cannot be stored.", cause: error)
        }
    }
}
