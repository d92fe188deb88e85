internal import CodexCore
internal import CodexStore
internal import FoundationEssentials
internal import Synchronization

/// ListStreams, DescribeStream, GetShardIterator, GetRecords.
///
/// A table's stream has the table's changes in the store since the stream was enabled. It has one
/// shard, which never ends. A sequence number has twenty digits for the commit, and ten for the
/// change's place in it.
extension DynamoDBService {
    private static let recordCountMax = 1000
    /// The time in which an iterator can be used.
    private static let iteratorMilliseconds = 15 * 60 * 1000

    func listStreams(_ input: RequestParameters) async throws -> ResponseWriter {
        let limit = try input.integer("Limit") ?? 100
        guard (1...100).contains(limit) else {
            throw ServiceError.validation(
                "1 validation error detected: Value at 'limit' failed to satisfy constraint: Member must "
                    + "have value less than or equal to 100")
        }
        let name = try input.has("TableName") ? input.tableName() : nil
        let start = try input.string("ExclusiveStartStreamArn")
        var streams: [(arn: String, table: String, label: String)] = []
        for table in try allTables() where name == nil || table.name == name {
            let record = try record(of: table.name)
            if let stream = record.stream, let arn = streamARN(record) {
                streams.append((arn, table.name, stream.label))
            }
        }
        let rest = streams.filter { stream in start.map { stream.arn > $0 } ?? true }
        var response = ResponseWriter()
        response.objects("Streams", rest.prefix(limit)) { entry, stream in
            entry.string("StreamArn", stream.arn)
            entry.string("TableName", stream.table)
            entry.string("StreamLabel", stream.label)
        }
        if rest.count > limit { response.string("LastEvaluatedStreamArn", rest[limit - 1].arn) }
        return response
    }

    /// The table whose stream has the ARN.
    private func stream(_ arn: String) throws -> (TableDefinition, TableStream) {
        let parts = arn.split(separator: "/")
        guard parts.count == 4, parts[2] == "stream", let table = try? definition(String(parts[1])),
            case let record = try record(of: table.name), let stream = record.stream,
            streamARN(record) == arn
        else {
            throw ServiceError(
                "ResourceNotFoundException",
                "Requested resource not found: Stream: \(arn.abbreviated()) not found")
        }
        return (table, stream)
    }

    func describeStream(_ input: RequestParameters) async throws -> ResponseWriter {
        let arn = try input.requiredString("StreamArn")
        let (table, stream) = try stream(arn)
        let oldest = max(stream.start, try store.stats().trimmedSequence)
        // The stream has one shard, without children or a parent.
        let filter = try input.object("ShardFilter")
        let isWanted =
            try !input.has("ExclusiveStartShardId") && filter?.string("Type") != "CHILD_SHARDS"
        var response = ResponseWriter()
        response.object("StreamDescription") { description in
            description.string("StreamArn", arn)
            description.string("StreamLabel", stream.label)
            description.string("StreamStatus", stream.end == nil ? "ENABLED" : "DISABLED")
            description.string("StreamViewType", stream.view.rawValue)
            description.string("TableName", table.name)
            description.member("CreationRequestDateTime") {
                $0.raw(Self.seconds(stream.createdAt))
            }
            description.member("KeySchema") {
                $0.keySchema([table.partitionKey], table.sortKey.map { [$0] } ?? [])
            }
            description.objects("Shards", isWanted ? [stream] : []) { shard, stream in
                Self.describe(stream, from: oldest, to: &shard)
            }
        }
        return response
    }

    /// Writes the members of a stream's one shard.
    private static func describe(
        _ stream: TableStream, from oldest: UInt64, to shard: inout ResponseWriter
    ) {
        shard.string("ShardId", stream.shardID)
        shard.object("SequenceNumberRange") { range in
            range.string(
                "StartingSequenceNumber", number(SequenceNumber(commit: oldest + 1, ordinal: 0)))
            if let end = stream.end {
                range.string("EndingSequenceNumber", number(SequenceNumber(commit: end)))
            }
        }
    }

    func getShardIterator(_ input: RequestParameters) async throws -> ResponseWriter {
        let arn = try input.requiredString("StreamArn")
        let shard = try input.requiredString("ShardId")
        let (_, stream) = try stream(arn)
        guard shard == stream.shardID else {
            throw ServiceError("ResourceNotFoundException", "Requested resource not found: Shard")
        }
        let kind = try input.choice(
            "ShardIteratorType",
            ["TRIM_HORIZON", "LATEST", "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"])
        guard let kind else { throw RequestParameters.missing("ShardIteratorType") }
        let text = try input.string("SequenceNumber")
        let after: SequenceNumber
        switch kind {
        case "LATEST": after = SequenceNumber(commit: try store.stats().sequence)
        case "TRIM_HORIZON": after = SequenceNumber(commit: stream.start)
        default:
            guard let text else { throw RequestParameters.missing("SequenceNumber") }
            guard let number = Self.sequenceNumber(text) else {
                throw ServiceError.validation("Invalid SequenceNumber")
            }
            guard number.commit <= (try store.stats().sequence) else {
                throw ServiceError.validation(
                    "Invalid SequenceNumber: the stream has not come so far")
            }
            after = kind == "AT_SEQUENCE_NUMBER" ? Self.before(number) : number
            let oldest = max(stream.start, try store.stats().trimmedSequence)
            guard after.lastWholeOrEqual >= oldest else {
                throw ServiceError(
                    "TrimmedDataAccessException",
                    "The requested sequence number is beyond the trim horizon of the stream.")
            }
        }
        var response = ResponseWriter()
        response.string(
            "ShardIterator",
            StreamIterator(
                arn: arn, after: after, isOldest: kind == "TRIM_HORIZON", madeAt: milliseconds
            ).text)
        return response
    }

    func getRecords(
        _ input: RequestParameters, _ budget: RequestBudget
    ) async throws -> ResponseWriter {
        let text = try input.requiredString("ShardIterator")
        let limit = try input.integer("Limit") ?? Self.recordCountMax
        guard (1...Self.recordCountMax).contains(limit) else {
            throw ServiceError.validation(
                "1 validation error detected: Value at 'limit' failed to satisfy constraint: Member must "
                    + "have value less than or equal to 1000")
        }
        var iterator = try iterator(text)
        let (table, stream) = try stream(iterator.arn)
        guard iterator.after.commit >= stream.start else { throw Self.invalidIterator }
        let start = try start(of: iterator, text)
        let memory = budget.decodedMemory()
        defer { memory.release() }
        // The page keeps the bytes of its records, and reading may copy them.
        try memory.reserve(2 * byteCountMax(of: start))
        let page = try page(from: start, limit, table, stream.view)
        var response = ResponseWriter()
        let end = try write(page, table, stream, to: &response, budget)
        // A disabled stream has an end.
        let isOver =
            stream.end.map { end.cursor.sequenceNumber.commit >= $0 || end.isAtEnd } ?? false
        if !isOver {
            iterator.after = end.cursor.sequenceNumber
            iterator.isOldest = false
            iterator.madeAt = milliseconds
            let next = iterator.text
            response.string("NextShardIterator", next)
            cursors.put(next, end.cursor)
        }
        return response
    }

    /// The bytes of records that end a page: AWS's limit of GetRecords.
    private static let recordByteCountMax = 1 << 20

    private static var invalidIterator: ServiceError { .validation("Invalid ShardIterator") }

    private func iterator(_ text: String) throws -> StreamIterator {
        guard let iterator = StreamIterator(text),
            iterator.madeAt <= milliseconds + Self.iteratorMilliseconds
        else { throw Self.invalidIterator }
        guard milliseconds - iterator.madeAt <= Self.iteratorMilliseconds else {
            throw ServiceError("ExpiredIteratorException", "Iterator expired.")
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
            let oldest = try store.stats().trimmedSequence
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

    private func page(
        from start: Start, _ limit: Int, _ table: TableDefinition, _ view: StreamView
    ) throws -> ChangePage {
        let filter = ChangeFilter(tables: [table.name])
        switch start {
        case .cursor(let cursor):
            return try store.changePage(after: cursor, limit: limit, view: view, filter: filter)
        case .position(let position):
            return try store.changePage(after: position, limit: limit, view: view, filter: filter)
        }
    }

    // MARK: Records

    /// Writes the records of a page, up to the size limit and the stream's end.
    ///
    /// - Returns: The position where the next page continues, and whether no change is left.
    private func write(
        _ page: ChangePage, _ table: TableDefinition, _ stream: TableStream,
        to response: inout ResponseWriter, _ budget: RequestBudget
    ) throws -> (cursor: ChangeCursor, isAtEnd: Bool) {
        var (cursor, isAtEnd, count) = (page.cursor, page.isAtEnd, 0)
        response.member("Records") { $0.raw("[") }
        for change in page.changes {
            if let end = stream.end, change.sequenceNumber.commit > end { break }
            guard response.byteCount < Self.recordByteCountMax else {
                // The next page continues after the last record of this one.
                isAtEnd = false
                break
            }
            try budget.requireTime()
            try response.nextObject(isFirst: count == 0) { record in
                try write(change, table, stream.view, to: &record, budget)
            }
            try response.reserve(budget)
            count += 1
            cursor = change.cursor
        }
        response.more { $0.raw("]") }
        return (count == page.changes.count ? page.cursor : cursor, isAtEnd)
    }

    private func write(
        _ change: ChangeRecord, _ table: TableDefinition, _ view: StreamView,
        to record: inout ResponseWriter, _ budget: RequestBudget
    ) throws {
        let keys = table.attributes(of: try change.key)
        let number = Self.number(change.sequenceNumber)
        record.string("eventID", number)
        record.string("eventName", change.kind.rawValue)
        record.string("eventVersion", "1.1")
        record.string("eventSource", "aws:dynamodb")
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
        if change.isExpiry {
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

/// The content of a shard iterator.
private struct StreamIterator {
    let arn: String
    var after: SequenceNumber
    /// Whether it began with the oldest change.
    var isOldest: Bool
    var madeAt: Int

    init(arn: String, after: SequenceNumber, isOldest: Bool, madeAt: Int) {
        self.arn = arn
        self.after = after
        self.isOldest = isOldest
        self.madeAt = madeAt
    }

    var text: String {
        let parts = [arn, after.description, isOldest ? "1" : "0", "\(madeAt)"]
        return "\(arn)|1|" + Base64.encodeURL(Array(parts.joined(separator: "|").utf8))
    }

    init?(_ text: String) {
        guard let last = text.split(separator: "|").last,
            let bytes = Base64.decodeURL(String(last)),
            let decoded = String(validating: bytes, as: UTF8.self)
        else { return nil }
        let parts = decoded.split(separator: "|", omittingEmptySubsequences: false)
        guard parts.count == 4, let after = SequenceNumber(String(parts[1])),
            let madeAt = Int(parts[3]), madeAt >= 0
        else { return nil }
        self.init(
            arn: String(parts[0]), after: after, isOldest: parts[2] == "1", madeAt: madeAt)
    }
}

/// The positions of recent iterators, so that a page continues without a search in the log.
final class StreamCursors: Sendable {
    private static let countMax = 256
    private let cursors = Mutex<[(iterator: String, cursor: ChangeCursor)]>([])

    func put(_ iterator: String, _ cursor: ChangeCursor) {
        cursors.withLock { cursors in
            cursors.append((iterator, cursor))
            if cursors.count > Self.countMax { cursors.removeFirst() }
        }
    }

    func cursor(of iterator: String) -> ChangeCursor? {
        cursors.withLock { cursors in cursors.last { $0.iterator == iterator }?.cursor }
    }
}
