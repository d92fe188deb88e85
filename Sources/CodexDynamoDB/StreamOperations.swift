internal import CodexCore
internal import CodexStore
internal import FoundationEssentials
internal import Synchronization

/// ListStreams, DescribeStream, GetShardIterator, GetRecords.
///
/// A table's stream is the store's stream of changes, of that table, since it was switched on: one shard that never
/// ends. Sequence numbers are the commit's, twenty digits, and the change's place in it, ten.
extension DynamoDBService {
    private static let recordCountMax = 1000
    /// How long an iterator can be used.
    private static let iteratorMilliseconds = 15 * 60 * 1000

    func listStreams(_ input: RequestParameters) async throws -> JSONWriter {
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
        var answer = ResponseWriter()
        answer.list("Streams", rest.prefix(limit)) { writer, stream in
            var entry = ResponseWriter()
            entry.string("StreamArn", stream.arn)
            entry.string("TableName", stream.table)
            entry.string("StreamLabel", stream.label)
            writer.append(entry.end())
        }
        if rest.count > limit { answer.string("LastEvaluatedStreamArn", rest[limit - 1].arn) }
        return answer.end()
    }

    /// The table whose stream an ARN names.
    private func stream(_ arn: String) throws -> (TableDefinition, TableStream) {
        let parts = arn.split(separator: "/")
        guard parts.count == 4, parts[2] == "stream", let table = try? definition(String(parts[1])),
            case let record = try record(of: table.name), let stream = record.stream,
            streamARN(record) == arn
        else {
            throw ServiceError(
                "ResourceNotFoundException",
                "Requested resource not found: Stream: \(arn) not found")
        }
        return (table, stream)
    }

    func describeStream(_ input: RequestParameters) async throws -> JSONWriter {
        let arn = try input.requiredString("StreamArn")
        let (table, stream) = try stream(arn)
        var description = ResponseWriter()
        description.string("StreamArn", arn)
        description.string("StreamLabel", stream.label)
        description.string("StreamStatus", stream.end == nil ? "ENABLED" : "DISABLED")
        description.string("StreamViewType", stream.view.rawValue)
        description.string("TableName", table.name)
        description.member("CreationRequestDateTime") { $0.raw(Self.seconds(stream.createdAt)) }
        description.member("KeySchema") {
            $0.keySchema([table.partitionKey], table.sortKey.map { [$0] } ?? [])
        }
        let oldest = max(stream.start, try store.stats().trimmedSequence)
        let first = Self.number(SequenceNumber(commit: oldest + 1, ordinal: 0))
        let last = stream.end.map { Self.number(SequenceNumber(commit: $0)) }
        // Nothing follows the one shard, and it is no child of another.
        let filter = try input.object("ShardFilter")
        let isWanted =
            try !input.has("ExclusiveStartShardId") && filter?.string("Type") != "CHILD_SHARDS"
        description.list("Shards", isWanted ? [stream.shardID] : []) { writer, shard in
            writer.raw("{\"ShardId\":\"\(shard)\",\"SequenceNumberRange\":")
            writer.raw("{\"StartingSequenceNumber\":\"\(first)\"")
            if let last { writer.raw(",\"EndingSequenceNumber\":\"\(last)\"") }
            writer.raw("}}")
        }
        let text = description.end()
        var answer = ResponseWriter()
        answer.member("StreamDescription") { $0.append(text) }
        return answer.end()
    }

    func getShardIterator(_ input: RequestParameters) async throws -> JSONWriter {
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
        var answer = ResponseWriter()
        answer.string(
            "ShardIterator",
            StreamIterator(
                arn: arn, after: after, isOldest: kind == "TRIM_HORIZON", madeAt: milliseconds
            ).text)
        return answer.end()
    }

    func getRecords(_ input: RequestParameters) async throws -> JSONWriter {
        let text = try input.requiredString("ShardIterator")
        let limit = try input.integer("Limit") ?? Self.recordCountMax
        guard (1...Self.recordCountMax).contains(limit) else {
            throw ServiceError.validation(
                "1 validation error detected: Value at 'limit' failed to satisfy constraint: Member must "
                    + "have value less than or equal to 1000")
        }
        guard var iterator = StreamIterator(text) else {
            throw ServiceError.validation("Invalid ShardIterator")
        }
        guard iterator.madeAt <= milliseconds + Self.iteratorMilliseconds else {
            throw ServiceError.validation("Invalid ShardIterator")
        }
        guard milliseconds - iterator.madeAt <= Self.iteratorMilliseconds else {
            throw ServiceError("ExpiredIteratorException", "Iterator expired.")
        }
        let (table, stream) = try stream(iterator.arn)
        guard iterator.after.commit >= stream.start else {
            throw ServiceError.validation("Invalid ShardIterator")
        }
        let page = try page(after: iterator, text, limit, table)
        var answer = ResponseWriter()
        var records: [JSONWriter] = []
        var (cursor, byteCount, isAtEnd) = (page.cursor, 0, page.isAtEnd)
        for change in page.changes {
            if let end = stream.end, change.sequenceNumber.commit > end { break }
            guard byteCount < Self.recordByteCountMax else {
                // The last that is given: the next page goes on from there.
                isAtEnd = false
                break
            }
            let record = try record(change, table, stream.view)
            byteCount += record.bytes.count
            records.append(record)
            cursor = change.cursor
        }
        if records.count == page.changes.count { cursor = page.cursor }
        answer.list("Records", records) { $0.append($1) }
        // A stream that was switched off has an end.
        let isOver = stream.end.map { cursor.sequenceNumber.commit >= $0 || isAtEnd } ?? false
        if !isOver {
            iterator.after = cursor.sequenceNumber
            iterator.isOldest = false
            iterator.madeAt = milliseconds
            let next = iterator.text
            answer.string("NextShardIterator", next)
            cursors.put(next, cursor)
        }
        return answer.end()
    }

    /// So many bytes of records end a page: AWS's limit of GetRecords.
    private static let recordByteCountMax = 1 << 20

    private func page(
        after iterator: StreamIterator, _ text: String, _ limit: Int, _ table: TableDefinition
    ) throws -> ChangePage {
        let filter = ChangeFilter(tables: [table.name])
        if let cursor = cursors.cursor(of: text) {
            return try store.changePage(after: cursor, limit: limit, filter: filter)
        }
        var after = iterator.after
        if iterator.isOldest {
            // What is not retained any more is not what was asked for.
            let oldest = try store.stats().trimmedSequence
            if after.commit < oldest { after = SequenceNumber(commit: oldest) }
        }
        return try store.changePage(after: .sequenceNumber(after), limit: limit, filter: filter)
    }

    private func record(
        _ change: ChangeRecord, _ table: TableDefinition, _ view: StreamView
    ) throws -> JSONWriter {
        let keys = table.attributes(of: try change.key)
        let number = Self.number(change.sequenceNumber)
        let (old, new) = (try change.oldImage, try change.newImage)
        var dynamodb = ResponseWriter()
        dynamodb.member("ApproximateCreationDateTime") {
            $0.raw("\(Int(change.time.timeIntervalSince1970))")
        }
        dynamodb.item("Keys", keys)
        var byteCount = keys.byteCount
        if let new, view == .newImage || view == .newAndOldImages {
            dynamodb.item("NewImage", new)
            byteCount += new.byteCount
        }
        if let old, view == .oldImage || view == .newAndOldImages {
            dynamodb.item("OldImage", old)
            byteCount += old.byteCount
        }
        dynamodb.string("SequenceNumber", number)
        dynamodb.number("SizeBytes", byteCount)
        dynamodb.string("StreamViewType", view.rawValue)
        var record = ResponseWriter()
        record.string("eventID", number)
        record.string("eventName", change.kind.rawValue)
        record.string("eventVersion", "1.1")
        record.string("eventSource", "aws:dynamodb")
        record.string("awsRegion", region)
        let text = dynamodb.end()
        record.member("dynamodb") { $0.append(text) }
        if change.isExpiry {
            record.member("userIdentity") {
                $0.raw("{\"Type\":\"Service\",\"PrincipalId\":\"dynamodb.amazonaws.com\"}")
            }
        }
        return record.end()
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

    /// The place before a change.
    private static func before(_ number: SequenceNumber) -> SequenceNumber {
        number.ordinal == 0
            ? SequenceNumber(commit: number.commit - min(1, number.commit))
            : SequenceNumber(commit: number.commit, ordinal: number.ordinal - 1)
    }
}

extension SequenceNumber {
    /// The commit of which all that came before it must be retained.
    fileprivate var lastWholeOrEqual: UInt64 {
        ordinal == .max ? commit : commit - min(1, commit)
    }
}

/// What a shard iterator says.
private struct StreamIterator {
    let arn: String
    var after: SequenceNumber
    /// Whether it began with the oldest change that there is.
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

/// Where iterators go on, so that each reads on where the one before ended; others are looked for in the log.
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
