#if Remote
    public import CodexCore
    internal import FoundationEssentials

    /// The stream of changes of a remote table.
    ///
    /// A service divides a stream into shards. All changes of an item are in one shard until the
    /// shard ends; later ones are in a child of it. ``RemoteConsumer`` reads all shards, parents
    /// before children.
    public struct RemoteStream: Sendable {
        /// The table.
        public let table: RemoteTable
        /// The name by which the service knows the stream.
        public let arn: String
        /// The images that changes have.
        public let view: StreamView

        /// The most records of an answer: "GetRecords" in its API reference.
        static let recordCountMax = 1000

        /// Names a stream; nothing is sent.
        ///
        /// ``RemoteTable/stream()`` finds the present one.
        ///
        /// - Parameters:
        ///   - table: The table.
        ///   - arn: The stream's ARN.
        ///   - view: What its records contain.
        public init(_ table: RemoteTable, arn: String, view: StreamView) {
            (self.table, self.arn, self.view) = (table, arn, view)
        }
    }

    extension RemoteTable {
        /// The table's present stream.
        ///
        /// - Returns: The stream.
        /// - Throws: ``CodexError/Code/unsupportedOperation`` if the table has none; otherwise as
        ///   ``describe()``.
        public func stream() async throws -> RemoteStream {
            let description = try await describe()
            guard let found = description.stream, let arn = description.streamARN else {
                throw CodexError(
                    .unsupportedOperation,
                    "The table has no stream. Enable one, with both images.")
            }
            let view: StreamView =
                switch (found.hasOldImages, found.hasNewImages) {
                case (true, true): .newAndOldImages
                case (true, false): .oldImage
                case (false, true): .newImage
                case (false, false): .keysOnly
                }
            return RemoteStream(self, arn: arn, view: view)
        }
    }

    extension StreamView {
        /// Whether changes have the item before them.
        var hasOldImage: Bool { self == .oldImage || self == .newAndOldImages }

        /// Whether changes have the item after them.
        var hasNewImage: Bool { self == .newImage || self == .newAndOldImages }
    }

    // MARK: Requests

    extension RemoteStream {
        /// Where reading of a shard begins.
        enum Place: Sendable, Hashable {
            /// At the oldest change that is kept.
            case oldest
            /// At the change with a number.
            case at(StreamSequenceNumber)
            /// After the change with a number.
            case after(StreamSequenceNumber)
        }

        /// Some of the stream's shards.
        struct ShardPage: Sendable {
            let shards: [StreamShard]
            /// The shard after which the next page begins; `nil` at the end.
            let next: String?
        }

        /// Some of a shard's changes.
        struct ChangePage: Sendable {
            let changes: [RemoteChange]
            /// The iterator of the next page; `nil` at the end of a shard that is closed.
            let next: String?
        }

        /// A page of the shards.
        ///
        /// - Parameter start: The shard after which the page begins; `nil` is the first page.
        /// - Returns: The page.
        /// - Throws: ``CodexError/Code/unknownTable`` if the service has no such stream any more,
        ///   and the errors of the client.
        func shards(after start: String?) async throws -> ShardPage {
            let body = RequestWriter.body { body in
                body.text("StreamArn", arn)
                if let start { body.text("ExclusiveStartShardId", start) }
            }
            return try await send("DescribeStream", body) { answer in
                // An answer without shards must not look like a stream whose shards are all gone.
                guard let description = answer["StreamDescription"],
                    case .array(let nodes)? = description["Shards"]
                else { throw Self.malformed }
                let shards = try nodes.map { node throws(CodexError) -> StreamShard in
                    guard let shard = StreamShard(node) else { throw Self.malformed }
                    return shard
                }
                return ShardPage(shards: shards, next: description["LastEvaluatedShardId"]?.text)
            }
        }

        /// The time by the clock of the stream's service, as its last answer gave it.
        var serviceDate: Date { table.client.serviceClock.dated }

        /// An iterator of a shard; services keep it for 15 minutes.
        ///
        /// - Parameters:
        ///   - shardID: The shard.
        ///   - place: Where it begins.
        /// - Returns: The iterator.
        /// - Throws: ``CodexError/Code/changesTrimmed`` if the service does not keep the place any
        ///   more; ``CodexError/Code/unknownTable`` if it has no such shard; the errors of the
        ///   client.
        func iterator(of shardID: String, at place: Place) async throws -> String {
            let body = RequestWriter.body { body in
                body.text("StreamArn", arn)
                body.text("ShardId", shardID)
                switch place {
                case .oldest: body.text("ShardIteratorType", "TRIM_HORIZON")
                case .at(let number):
                    body.text("ShardIteratorType", "AT_SEQUENCE_NUMBER")
                    body.text("SequenceNumber", number.description)
                case .after(let number):
                    body.text("ShardIteratorType", "AFTER_SEQUENCE_NUMBER")
                    body.text("SequenceNumber", number.description)
                }
            }
            return try await send("GetShardIterator", body) { answer in
                guard let iterator = answer["ShardIterator"]?.text else { throw Self.malformed }
                return iterator
            }
        }

        /// A page of a shard's changes; an empty page is not the end.
        ///
        /// - Parameters:
        ///   - iterator: The iterator.
        ///   - shardID: The shard that it is of.
        ///   - limit: The most changes.
        /// - Returns: The page.
        /// - Throws: ``CodexError/Code/invalidPageToken`` for an iterator that is too old;
        ///   ``CodexError/Code/changesTrimmed``; ``CodexError/Code/invalidResponse``; the errors
        ///   of the client.
        func changes(
            _ iterator: String, of shardID: String, limit: Int
        ) async throws -> ChangePage {
            let body = RequestWriter.body { body in
                body.text("ShardIterator", iterator)
                body.integer("Limit", limit)
            }
            return try await send("GetRecords", body) { answer in
                // An answer without records must not look like the end of a shard.
                guard case .array(let nodes)? = answer["Records"] else { throw Self.malformed }
                let changes = try nodes.map { node throws(CodexError) in
                    try RemoteChange(node, in: shardID, of: self)
                }
                return ChangePage(changes: changes, next: answer["NextShardIterator"]?.text)
            }
        }

        private func send<Value: Sendable>(
            _ operation: String, _ body: [UInt8], _ read: @Sendable (JSONNode) throws -> Value
        ) async throws -> Value {
            try await table.client.send(
                RemoteRequest(
                    operation: operation, body: body, repetition: .read, isOfStreams: true),
                reading: read)
        }

        private static var malformed: CodexError {
            CodexError(.invalidResponse, "The answer is not of the protocol of DynamoDB Streams.")
        }
    }
#endif
