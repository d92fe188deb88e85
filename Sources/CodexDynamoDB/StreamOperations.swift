internal import CodexCore
internal import CodexStore
internal import FoundationEssentials

/// ListStreams, DescribeStream, GetShardIterator, GetRecords.
///
/// A table's stream has the table's changes in the store since the stream was enabled, and until it
/// was disabled or the table deleted. It has one shard, unless a ``StreamVariation`` has more. A
/// sequence number has twenty digits for the commit, and ten for the change's place in it.
extension DynamoDBService {
    private static let recordCountMax = 1000
    /// The most shards of a page: "DescribeStream" in its API reference.
    private static let shardCountMax = 100
    /// The time in which an iterator can be used.
    private static let iteratorMilliseconds = 15 * 60 * 1000

    // MARK: Streams

    /// The streams that are described now, by the bytes of their ARNs.
    ///
    /// - Parameter table: The table's name; `nil` is all tables.
    /// - Returns: The streams with their ARNs.
    /// - Throws: The errors of reading.
    private func streams(of table: String?) throws -> [(arn: String, record: StreamRecord)] {
        let instant = milliseconds
        let known = try store.read { try StreamRecord.all(of: table, in: $0) }
        return known.filter { $0.stream.isDescribed(at: instant) }
            .map { (arn: streamARN($0.table.name, $0.stream), record: $0) }
            .sorted { ByteOrder.compare($0.arn, $1.arn) < 0 }
    }

    /// The stream with an ARN, which may be of any region and account.
    ///
    /// - Throws: `ValidationException`, `ResourceNotFoundException`.
    private func stream(_ arn: String) throws -> StreamRecord {
        guard let parsed = TableARN(arn), let label = parsed.streamLabel else {
            throw StreamMessages.invalidARN
        }
        let record = try store.read {
            try StreamRecord.labelled(label, of: parsed.table, in: $0)
        }
        guard let record, record.stream.isDescribed(at: milliseconds) else {
            throw StreamMessages.notFound(arn)
        }
        return record
    }

    func listStreams(_ input: RequestParameters) async throws -> ResponseWriter {
        let limit = try input.integer("Limit") ?? 100
        let name = try input.has("TableName") ? tableName(input) : nil
        let start = try input.string("ExclusiveStartStreamArn")
        if let start, TableARN(start)?.streamLabel == nil { throw StreamMessages.invalidARN }
        let rest = try streams(of: name).filter { stream in
            start.map { ByteOrder.compare(stream.arn, $0) > 0 } ?? true
        }
        var response = ResponseWriter()
        response.objects("Streams", rest.prefix(limit)) { entry, stream in
            entry.string("StreamArn", stream.arn)
            entry.string("TableName", stream.record.table.name)
            entry.string("StreamLabel", stream.record.stream.label)
        }
        if rest.count > limit { response.string("LastEvaluatedStreamArn", rest[limit - 1].arn) }
        return response
    }

    func describeStream(
        _ input: RequestParameters, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        let arn = try input.requiredString("StreamArn")
        let wantsChildren = try Self.filtersChildren(input)
        let start = try input.string("ExclusiveStartShardId")
        let limit = try input.integer("Limit") ?? Self.shardCountMax
        let record = try self.stream(arn)
        let (table, stream) = (record.table, record.stream)
        let oldest = max(stream.start, try store.commits().trimmed)
        // Shards have neither children nor parents.
        let rest = StreamShards(stream, budget.faults.streams).ids.filter { id in
            !wantsChildren && start.map { ByteOrder.compare(id, $0) > 0 } ?? true
        }
        var response = ResponseWriter()
        response.object("StreamDescription") { description in
            description.string("StreamArn", streamARN(table.name, stream))
            description.string("StreamLabel", stream.label)
            description.string("StreamStatus", stream.isEnabled ? "ENABLED" : "DISABLED")
            description.string("StreamViewType", stream.view.rawValue)
            description.string("TableName", table.name)
            description.member("CreationRequestDateTime") {
                $0.raw(Self.seconds(stream.createdAt))
            }
            description.member("KeySchema") {
                $0.keySchema([table.partitionKey], table.sortKey.map { [$0] } ?? [])
            }
            description.objects("Shards", rest.prefix(limit)) { shard, id in
                Self.describe(id, stream, from: oldest, to: &shard)
            }
            if rest.count > limit {
                description.string("LastEvaluatedShardId", rest[limit - 1])
            }
        }
        return response
    }

    /// Whether a request asks for the children of a shard alone.
    private static func filtersChildren(_ input: RequestParameters) throws -> Bool {
        guard let filter = try input.object("ShardFilter") else { return false }
        guard try filter.string("Type") == "CHILD_SHARDS" else {
            throw StreamMessages.unknownFilter
        }
        guard try filter.string("ShardId") != nil else { throw StreamMessages.filterWithoutShard }
        return true
    }

    /// Writes the members of a shard.
    private static func describe(
        _ id: String, _ stream: TableStream, from oldest: UInt64, to shard: inout ResponseWriter
    ) {
        shard.string("ShardId", id)
        // All changes of a shard that ended may be trimmed. Its range then begins in its last
        // commit: it stays a range, and does not begin earlier than before.
        let first = min(oldest + 1, stream.end ?? .max)
        shard.object("SequenceNumberRange") { range in
            range.string(
                "StartingSequenceNumber", number(SequenceNumber(commit: first, ordinal: 0)))
            if let end = stream.end {
                range.string("EndingSequenceNumber", number(SequenceNumber(commit: end)))
            }
        }
    }

    // MARK: Iterators

    func getShardIterator(
        _ input: RequestParameters, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        let arn = try input.requiredString("StreamArn")
        let id = try input.requiredString("ShardId")
        let kind = try input.requiredString("ShardIteratorType")
        let number = try Self.number(input, kind)
        let record = try self.stream(arn)
        let stream = record.stream
        guard let shard = StreamShards(stream, budget.faults.streams).shard(id) else {
            throw StreamMessages.shardNotFound(id, arn)
        }
        let after: SequenceNumber
        switch number {
        case let number?:
            after = try position(number, isIncluded: kind == "AT_SEQUENCE_NUMBER", in: stream)
        case nil where kind == "LATEST":
            after = SequenceNumber(commit: try store.commits().last)
        case nil: after = SequenceNumber(commit: stream.start)
        }
        var response = ResponseWriter()
        response.string(
            "ShardIterator",
            StreamIterator(
                arn: streamARN(record.table.name, stream), after: after,
                isOldest: kind == "TRIM_HORIZON", madeAt: milliseconds, shard: shard.number
            ).text)
        return response
    }

    /// The sequence number of a request, which exactly two types of iterators have.
    private static func number(
        _ input: RequestParameters, _ kind: String
    ) throws -> SequenceNumber? {
        let text = try input.string("SequenceNumber")
        guard kind.hasSuffix("_SEQUENCE_NUMBER") else {
            guard text == nil else { throw StreamMessages.numberNotAllowed(kind) }
            return nil
        }
        guard let text else { throw StreamMessages.numberRequired(kind) }
        guard let number = sequenceNumber(text) else { throw StreamMessages.invalidNumber }
        return number
    }

    /// The position at or after a change of a stream.
    ///
    /// - Parameters:
    ///   - number: The change's sequence number.
    ///   - isIncluded: Whether the change comes next.
    ///   - stream: The stream.
    /// - Returns: The position.
    /// - Throws: `ValidationException` for a number that the stream does not reach,
    ///   `TrimmedDataAccessException` for one before its oldest change.
    private func position(
        _ number: SequenceNumber, isIncluded: Bool, in stream: TableStream
    ) throws -> SequenceNumber {
        let (last, trimmed) = try store.commits()
        let oldest = max(stream.start, trimmed)
        // A shard begins with a number that no change has yet.
        guard number.commit <= max(oldest + 1, min(last, stream.end ?? last)) else {
            throw StreamMessages.invalidNumber
        }
        let after = isIncluded ? Self.before(number) : number
        guard after.lastWholeOrEqual >= oldest else {
            throw StreamMessages.trimmed
        }
        return after
    }

    func getRecords(
        _ input: RequestParameters, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        let text = try input.requiredString("ShardIterator")
        let limit = try input.integer("Limit") ?? Self.recordCountMax
        var iterator = try iterator(text)
        let begun = try self.stream(iterator.arn)
        let table = begun.table
        guard iterator.after.commit >= begun.stream.start else {
            throw StreamMessages.invalidIterator
        }
        let start = try start(of: iterator, text)
        let memory = budget.decodedMemory()
        defer { memory.release() }
        // The page keeps the bytes of its records, and reading may copy them.
        try memory.reserve(2 * byteCountMax(of: start))
        let shard = StreamShard(number: iterator.shard, variation: budget.faults.streams)
        // One shard of several has some of the changes that are read.
        let readCount = shard.variation == nil ? limit : Self.recordCountMax
        guard let page = try page(from: start, readCount, table, begun.stream) else {
            var response = ResponseWriter()
            response.member("Records") { $0.raw("[]") }
            return response
        }
        // If the stream ended while the page was read, the page may have changes after its end.
        let stream = try self.stream(iterator.arn).stream
        var response = ResponseWriter()
        let end = try write(page, upTo: limit, of: shard, table, stream, to: &response, budget)
        // A disabled stream has an end. Its last commit may have more changes than the page.
        let isOver =
            stream.end.map { last in
                end.isAtEnd
                    || end.cursor.map { $0.sequenceNumber.lastWholeOrEqual >= last } ?? false
            } ?? false
        if !isOver {
            if let cursor = end.cursor {
                iterator.after = cursor.sequenceNumber
                iterator.isOldest = false
            }
            iterator.madeAt = milliseconds
            let next = iterator.text
            response.string("NextShardIterator", next)
            if let cursor = end.cursor { cursors.put(next, cursor) }
        }
        return response
    }

    /// The most bytes of a page's JSON; its first record may have more.
    ///
    /// "GetRecords" in its API reference: at most 1 MB of data.
    static let recordByteCountMax = 1 << 20

    private func iterator(_ text: String) throws -> StreamIterator {
        guard let iterator = StreamIterator(text),
            iterator.madeAt <= milliseconds + Self.iteratorMilliseconds
        else { throw StreamMessages.invalidIterator }
        guard milliseconds - iterator.madeAt <= Self.iteratorMilliseconds else {
            throw StreamMessages.expiredIterator
        }
        return iterator
    }

    // MARK: Pages

    /// The position where a page starts.
    private enum Start {
        case cursor(ChangeCursor)
        case position(StreamPosition)
    }

    private func start(of iterator: StreamIterator, _ text: String) throws -> Start {
        if let cursor = cursors.cursor(of: text) { return .cursor(cursor) }
        var after = iterator.after
        if iterator.isOldest {
            // The trim horizon moves on, so a request for the oldest change continues from the
            // present one.
            let oldest = try store.commits().trimmed
            if after.commit < oldest { after = SequenceNumber(commit: oldest) }
        }
        return .position(.sequenceNumber(after))
    }

    /// The most bytes of the log that a page reads.
    private func byteCountMax(of start: Start) throws -> Int {
        switch start {
        case .cursor(let cursor): try store.changePageByteCountMax(after: cursor)
        case .position(let position): try store.changePageByteCountMax(after: position)
        }
    }

    /// Reads a page of a stream; `nil` if the store has no more changes of the table.
    private func page(
        from start: Start, _ limit: Int, _ table: TableDefinition, _ stream: TableStream
    ) throws -> ChangePage? {
        let filter = ChangeFilter(tables: [table.name])
        do {
            switch start {
            case .cursor(let cursor):
                return try store.changePage(
                    after: cursor, limit: limit, view: stream.view, filter: filter)
            case .position(let position):
                return try store.changePage(
                    after: position, limit: limit, view: stream.view, filter: filter)
            }
        } catch let error as CodexError where error.code == .unknownTable && !stream.isEnabled {
            // The table was deleted, and its changes are trimmed.
            return nil
        }
    }

    // MARK: Records

    /// Writes the records of a page, up to its limits and the stream's end.
    ///
    /// - Parameters:
    ///   - page: The changes that were read.
    ///   - limit: The most records.
    ///   - shard: The shard whose changes are written.
    ///   - table: The table.
    ///   - stream: The stream.
    ///   - response: Gets the records.
    ///   - budget: The request's budget.
    /// - Returns: The position where the next page continues, and whether no change is left. The
    ///   position is `nil` if the page continues where it began.
    /// - Throws: The errors of reading the changes, and as ``ResponseWriter/reserve(_:)``.
    private func write(
        _ page: ChangePage, upTo limit: Int, of shard: StreamShard, _ table: TableDefinition,
        _ stream: TableStream, to response: inout ResponseWriter, _ budget: RequestBudget
    ) throws -> (cursor: ChangeCursor?, isAtEnd: Bool) {
        var (isAtEnd, count, cursor) = (page.isAtEnd, 0, ChangeCursor?.none)
        var isWhole = true
        let now = milliseconds
        response.member("Records") { $0.raw("[") }
        for change in page.changes {
            if let end = stream.end, change.sequenceNumber.commit > end {
                (isWhole, isAtEnd) = (cursor == nil, true)
                break
            }
            try budget.requireTime()
            let isShown = shard.variation?.shows(change.time, at: now) ?? true
            guard count < limit, isShown else {
                (isWhole, isAtEnd) = (false, false)
                break
            }
            guard shard.includes(try change.key.partition) else {
                cursor = change.cursor
                continue
            }
            let isFirst = count == 0
            let size = try response.fitting(
                upTo: Self.recordByteCountMax, isFirst: isFirst
            ) { response in
                try response.nextObject(isFirst: isFirst) { record in
                    try write(change, of: shard, table, stream.view, to: &record, budget)
                }
                return 0
            }
            guard size != nil else {
                // The next page continues after the last record of this one.
                (isWhole, isAtEnd) = (false, false)
                break
            }
            try response.reserve(budget)
            count += 1
            cursor = change.cursor
        }
        response.more { $0.raw("]") }
        return (isWhole ? page.cursor : cursor, isAtEnd)
    }

    private func write(
        _ change: ChangeRecord, of shard: StreamShard, _ table: TableDefinition,
        _ view: StreamView, to record: inout ResponseWriter, _ budget: RequestBudget
    ) throws {
        let keys = table.attributes(of: try change.key)
        let number = Self.number(change.sequenceNumber)
        let isInsertion = change.kind == .insert
        let kind: ChangeKind = isInsertion && shard.otherSource != nil ? .modify : change.kind
        record.string("eventID", number)
        record.string("eventName", kind.rawValue)
        record.string("eventVersion", "1.1")
        record.string("eventSource", shard.otherSource ?? "aws:dynamodb")
        record.string("awsRegion", region)
        try record.object("dynamodb") { dynamodb in
            dynamodb.member("ApproximateCreationDateTime") {
                $0.raw("\(Int(change.time.timeIntervalSince1970))")
            }
            dynamodb.item("Keys", keys)
            let newByteCount = try Self.write("NewImage", to: &dynamodb, budget) {
                try change.newImage(reserving: $0)
            }
            let oldByteCount = try Self.write("OldImage", to: &dynamodb, budget) {
                try change.oldImage(reserving: $0)
            }
            dynamodb.string("SequenceNumber", number)
            dynamodb.number("SizeBytes", keys.byteCount + newByteCount + oldByteCount)
            dynamodb.string("StreamViewType", view.rawValue)
        }
        if change.isExpiry, shard.otherSource == nil {
            record.object("userIdentity") { identity in
                identity.string("Type", "Service")
                identity.string("PrincipalId", "dynamodb.amazonaws.com")
            }
        }
    }

    /// Writes an image, if the view has it; the image is in memory only during this call.
    ///
    /// - Returns: Its size.
    private static func write(
        _ name: String, to record: inout ResponseWriter, _ budget: RequestBudget,
        _ image: (DecodedMemory) throws -> Item?
    ) throws -> Int {
        let memory = budget.decodedMemory()
        defer { memory.release() }
        guard let item = try image(memory) else { return 0 }
        let byteCount = item.byteCount
        try record.item(name, item, byteCount: byteCount, budget)
        return byteCount
    }

    // MARK: Sequence numbers

    private static func padded(_ value: UInt64, _ count: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, count - digits.count)) + digits
    }

    static func number(_ number: SequenceNumber) -> String {
        padded(number.commit, 20) + padded(UInt64(number.ordinal), 10)
    }

    static func sequenceNumber(_ text: String) -> SequenceNumber? {
        guard text.utf8.count == 30, let commit = UInt64(text.prefix(20)),
            let ordinal = UInt32(text.dropFirst(20))
        else { return nil }
        return SequenceNumber(commit: commit, ordinal: ordinal)
    }

    /// The position before a change.
    private static func before(_ number: SequenceNumber) -> SequenceNumber {
        number.ordinal == 0
            ? SequenceNumber(commit: number.commit - min(1, number.commit))
            : SequenceNumber(commit: number.commit, ordinal: number.ordinal - 1)
    }
}

extension SequenceNumber {
    /// The last commit that is wholly before the position; all later commits must be retained.
    fileprivate var lastWholeOrEqual: UInt64 {
        ordinal == .max ? commit : commit - min(1, commit)
    }
}
