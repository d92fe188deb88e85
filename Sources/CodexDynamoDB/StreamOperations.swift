internal import CodexCore
internal import CodexStore
internal import FoundationEssentials

/// ListStreams, DescribeStream, GetShardIterator, GetRecords.
///
/// A table's stream is the store's stream of changes, of that table, since it was switched on: one shard that never
/// ends. Sequence numbers are the commit's, twenty digits, and the change's place in it, ten.
extension DynamoDBService {
    private static let shardID = "shardId-00000000000000000000-00000001"
    private static let recordCountMax = 1000
    /// How long an iterator can be used.
    private static let iteratorMilliseconds = 15 * 60 * 1000

    func listStreams(_ input: Input) async throws -> JSONWriter {
        let limit = try input.integer("Limit") ?? 100
        guard (1...100).contains(limit) else {
            throw Failure.validation(
                "1 validation error detected: Value at 'limit' failed to satisfy constraint: Member must "
                    + "have value less than or equal to 100")
        }
        let name = try input.has("TableName") ? input.tableName() : nil
        let start = try input.string("ExclusiveStartStreamArn")
        var streams: [(arn: String, table: String, label: String)] = []
        for table in try allTables() where name == nil || table.name == name {
            let record = try record(of: table.name)
            if let label = record.streamLabel, let arn = streamARN(record) {
                streams.append((arn, table.name, label))
            }
        }
        let rest = streams.filter { stream in start.map { stream.arn > $0 } ?? true }
        var answer = Answer()
        answer.list("Streams", rest.prefix(limit)) { writer, stream in
            var entry = Answer()
            entry.string("StreamArn", stream.arn)
            entry.string("TableName", stream.table)
            entry.string("StreamLabel", stream.label)
            writer.append(entry.end())
        }
        if rest.count > limit { answer.string("LastEvaluatedStreamArn", rest[limit - 1].arn) }
        return answer.end()
    }

    /// The table whose stream an ARN names.
    private func stream(_ arn: String) throws -> (TableDefinition, TableRecord) {
        let parts = arn.split(separator: "/")
        guard parts.count == 4, parts[2] == "stream", let table = try? definition(String(parts[1])),
            case let record = try record(of: table.name), streamARN(record) == arn
        else {
            throw Failure(
                "ResourceNotFoundException",
                "Requested resource not found: Stream: \(arn) not found")
        }
        return (table, record)
    }

    func describeStream(_ input: Input) async throws -> JSONWriter {
        let arn = try input.requiredString("StreamArn")
        let (table, record) = try stream(arn)
        let isEnabled = record.streamView != nil
        var description = Answer()
        description.string("StreamArn", arn)
        description.string("StreamLabel", record.streamLabel ?? "")
        description.string("StreamStatus", isEnabled ? "ENABLED" : "DISABLED")
        description.string(
            "StreamViewType", (record.streamView ?? .newAndOldImages).rawValue)
        description.string("TableName", table.name)
        description.member("CreationRequestDateTime") { $0.raw(Self.seconds(record.createdAt)) }
        description.member("KeySchema") { writer in
            let keys =
                [(table.partitionKey, "HASH")] + (table.sortKey.map { [($0, "RANGE")] } ?? [])
            writer.list(keys) { writer, key in
                writer.raw("{\"AttributeName\":")
                writer.string(key.0.name)
                writer.raw(",\"KeyType\":\"\(key.1)\"}")
            }
        }
        let first = Self.number(
            SequenceNumber(
                commit: max(record.streamStart, try store.stats().trimmedSequence) + 1, ordinal: 0))
        description.member("Shards") { writer in
            writer.raw("[{\"ShardId\":\"\(Self.shardID)\",\"SequenceNumberRange\":")
            writer.raw("{\"StartingSequenceNumber\":\"\(first)\"}}]")
        }
        let text = description.end()
        var answer = Answer()
        answer.member("StreamDescription") { $0.append(text) }
        return answer.end()
    }

    func getShardIterator(_ input: Input) async throws -> JSONWriter {
        let arn = try input.requiredString("StreamArn")
        guard try input.requiredString("ShardId") == Self.shardID else {
            throw Failure("ResourceNotFoundException", "Requested resource not found: Shard")
        }
        let (_, record) = try stream(arn)
        let kind = try input.choice(
            "ShardIteratorType",
            ["TRIM_HORIZON", "LATEST", "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"])
        guard let kind else { throw Input.missing("ShardIteratorType") }
        let text = try input.string("SequenceNumber")
        let after: SequenceNumber
        switch kind {
        case "LATEST": after = SequenceNumber(commit: try store.stats().sequence)
        case "TRIM_HORIZON": after = SequenceNumber(commit: record.streamStart)
        default:
            guard let text else { throw Input.missing("SequenceNumber") }
            guard let number = Self.sequenceNumber(text) else {
                throw Failure.validation("Invalid SequenceNumber")
            }
            guard number.commit <= (try store.stats().sequence) else {
                throw Failure.validation("Invalid SequenceNumber: the stream has not come so far")
            }
            after = kind == "AT_SEQUENCE_NUMBER" ? Self.before(number) : number
            let oldest = max(record.streamStart, try store.stats().trimmedSequence)
            guard after.lastWholeOrEqual >= oldest else {
                throw Failure(
                    "TrimmedDataAccessException",
                    "The requested sequence number is beyond the trim horizon of the stream.")
            }
        }
        var answer = Answer()
        answer.string(
            "ShardIterator",
            StreamIterator(
                arn: arn, after: after, isOldest: kind == "TRIM_HORIZON", madeAt: milliseconds
            ).text)
        return answer.end()
    }

    func getRecords(_ input: Input) async throws -> JSONWriter {
        let text = try input.requiredString("ShardIterator")
        let limit = try input.integer("Limit") ?? Self.recordCountMax
        guard (1...Self.recordCountMax).contains(limit) else {
            throw Failure.validation(
                "1 validation error detected: Value at 'limit' failed to satisfy constraint: Member must "
                    + "have value less than or equal to 1000")
        }
        guard var iterator = StreamIterator(text) else {
            throw Failure.validation("Invalid ShardIterator")
        }
        guard milliseconds - iterator.madeAt <= Self.iteratorMilliseconds else {
            throw Failure("ExpiredIteratorException", "Iterator expired.")
        }
        let (table, record) = try stream(iterator.arn)
        let filter = ChangeFilter(tables: [table.name])
        let page: ChangePage
        if let before = pages.take(text) {
            page = try store.changePage(after: before, limit: limit, filter: filter)
        } else {
            if iterator.isOldest {
                // What is not retained any more is not what was asked for.
                let oldest = try store.stats().trimmedSequence
                if iterator.after.commit < oldest {
                    iterator.after = SequenceNumber(commit: oldest)
                }
            }
            page = try store.changePage(
                after: .sequenceNumber(iterator.after), limit: limit, filter: filter)
        }
        iterator.after = page.end
        iterator.isOldest = false
        iterator.madeAt = milliseconds
        let view = record.streamView ?? .newAndOldImages
        var answer = Answer()
        var failure: (any Error)?
        answer.list("Records", page.changes) { writer, change in
            do {
                writer.append(try self.record(change, table, view))
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        if record.streamView != nil || !page.isAtEnd {
            let next = iterator.text
            answer.string("NextShardIterator", next)
            pages.put(next, page)
        }
        return answer.end()
    }

    private func record(
        _ change: ChangeRecord, _ table: TableDefinition, _ view: StreamView
    ) throws -> JSONWriter {
        let keys = table.attributes(of: try change.key)
        let number = Self.number(change.sequenceNumber)
        let (old, new) = (try change.oldImage, try change.newImage)
        var dynamodb = Answer()
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
        var record = Answer()
        record.string("eventID", number)
        record.string("eventName", change.kind.rawValue)
        record.string("eventVersion", "1.1")
        record.string("eventSource", "aws:dynamodb")
        record.string("awsRegion", region)
        let text = dynamodb.end()
        record.member("dynamodb") { $0.append(text) }
        if change.isExpiry {
            record.member("userIdentity") {
                $0.raw("{\"type\":\"Service\",\"principalId\":\"dynamodb.amazonaws.com\"}")
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
            let madeAt = Int(parts[3])
        else { return nil }
        self.init(
            arn: String(parts[0]), after: after, isOldest: parts[2] == "1", madeAt: madeAt)
    }
}

/// Pages of changes that iterators go on from, so that each reads on where the one before ended.
final class StreamPages: Sendable {
    private static let countMax = 256
    private let pages = Guarded<[(iterator: String, page: ChangePage)]>([])

    func put(_ iterator: String, _ page: ChangePage) {
        pages.withLock { pages in
            pages.removeAll { $0.iterator == iterator }
            pages.append((iterator, page))
            if pages.count > Self.countMax { pages.removeFirst() }
        }
    }

    func take(_ iterator: String) -> ChangePage? {
        pages.withLock { pages in pages.first { $0.iterator == iterator }?.page }
    }
}
