#if Remote
    public import CodexCore
    public import FoundationEssentials

    /// A change of one item of a remote table, from the table's stream.
    ///
    /// It corresponds to `ChangeRecord` of an embedded store. An event of CodexFlow is made from
    /// its images, its time, ``origin`` and ``sequenceNumber``.
    public struct RemoteChange: Sendable, Hashable {
        /// The place in the stream; it grows with each change of the item.
        public let sequenceNumber: StreamSequenceNumber
        /// The stream, by the name that the service gave it: numbers belong to one stream.
        public let origin: String
        /// The shard of the stream.
        public let shardID: String
        /// The name of the table.
        public let table: String
        /// The effect on the item.
        ///
        /// A service may name creations as changes (`distinguishesInsertions` of
        /// `TableCapabilities.Stream`). They are told by the image before the change, if the stream
        /// has it.
        public let kind: ChangeKind
        /// The item's primary key.
        public let key: PrimaryKey
        /// The item before the change; `nil` if there was none or the stream does not have it.
        public let oldImage: Item?
        /// The item after the change; `nil` if it was removed or the stream does not have it.
        public let newImage: Item?
        /// The time of the change, by the service's clock; DynamoDB gives whole seconds.
        public let time: Date
        /// Whether the item was removed because its time to live was over.
        ///
        /// A service that does not mark such removals (`TableCapabilities.Expiry.late`) does not
        /// tell them from other ones. There, a removal counts as expiry if the time to live was
        /// over, also one by a program.
        public let isExpiry: Bool

        /// Creates a change, for tests of programs.
        public init(
            _ kind: ChangeKind, _ key: PrimaryKey, of table: String, old: Item? = nil,
            new: Item? = nil, sequenceNumber: StreamSequenceNumber, time: Date,
            isExpiry: Bool = false, shardID: String = "", origin: String = ""
        ) {
            self.kind = kind
            self.key = key
            self.table = table
            oldImage = old
            newImage = new
            self.sequenceNumber = sequenceNumber
            self.time = time
            self.isExpiry = isExpiry
            self.shardID = shardID
            self.origin = origin
        }
    }

    // MARK: Reading

    extension RemoteChange {
        /// Whose removals are those of the time to live: "DynamoDB Streams and Time to Live".
        static let expiringPrincipal = "dynamodb.amazonaws.com"

        /// Reads a record of GetRecords.
        ///
        /// - Parameters:
        ///   - node: The record.
        ///   - shardID: The shard that it is of.
        ///   - stream: The stream.
        /// - Throws: ``CodexError/Code/invalidResponse`` for what is no record of the stream.
        init(_ node: JSONNode, in shardID: String, of stream: RemoteStream) throws(CodexError) {
            let definition = stream.table.definition
            let change = node["dynamodb"]
            guard let name = node["eventName"]?.text, let named = ChangeKind(rawValue: name),
                let digits = change?["SequenceNumber"]?.text,
                let number = StreamSequenceNumber(digits), let keys = change?["Keys"],
                let time = Self.time(change?["ApproximateCreationDateTime"])
            else { throw Self.malformed() }
            let key: PrimaryKey
            do throws(CodexError) {
                key = try definition.primaryKey(of: try RemoteTable.item(keys))
            } catch {
                throw Self.malformed(cause: error)
            }
            let kind = stream.kind(named, hasOldImage: change?["OldImage"] != nil)
            // Such a service also names the removal of an absent item.
            let old = try Self.image(
                change?["OldImage"],
                isExpected: stream.distinguishesInsertions && stream.view.hasOldImage
                    && kind != .insert)
            let new = try Self.image(
                change?["NewImage"], isExpected: stream.view.hasNewImage && kind != .remove)
            let identity = node["userIdentity"]
            let principal = identity?["PrincipalId"]?.text ?? identity?["principalId"]?.text
            let isMarked = principal == Self.expiringPrincipal
            self.init(
                kind, key, of: definition.name, old: old, new: new, sequenceNumber: number,
                time: time,
                isExpiry: kind == .remove
                    && (isMarked || Self.isOver(old, at: time, in: stream.table)),
                shardID: shardID, origin: stream.arn)
        }

        /// Whether the time to live of a removed item was over, on a service that does not mark
        /// removals by expiry.
        private static func isOver(_ old: Item?, at time: Date, in table: RemoteTable) -> Bool {
            guard table.capabilities.expiry == .late, let name = table.definition.timeToLive,
                let second = Expiry.second(of: old?[name])
            else { return false }
            return Expiry.isOver(second, at: Int(time.millisecondsSince1970 / 1000))
        }

        private static func time(_ node: JSONNode?) -> Date? {
            guard case .number(let text)? = node, let number = try? Number(parsing: text) else {
                return nil
            }
            return Date(timeIntervalSince1970: number.double).bounded
        }

        private static func image(
            _ node: JSONNode?, isExpected: Bool
        ) throws(CodexError) -> Item? {
            guard let node else {
                guard !isExpected else { throw malformed() }
                return nil
            }
            return try RemoteTable.item(node)
        }

        private static func malformed(cause: CodexError? = nil) -> CodexError {
            CodexError(
                .invalidResponse, "A record of the stream is not of DynamoDB's protocol.",
                cause: cause)
        }
    }

    extension RemoteStream {
        /// Whether the service tells changes that create an item from those that change it.
        fileprivate var distinguishesInsertions: Bool {
            let declared = table.client.options.capabilities.stream
            return (table.capabilities.stream ?? declared)?.distinguishesInsertions ?? true
        }

        /// The effect of a change.
        ///
        /// - Parameters:
        ///   - named: The effect as the service names it.
        ///   - hasOldImage: Whether the change has the item before it.
        /// - Returns: The effect. If the service names creations as changes, the image tells them,
        ///   unless the stream has none.
        fileprivate func kind(_ named: ChangeKind, hasOldImage: Bool) -> ChangeKind {
            guard !distinguishesInsertions, view.hasOldImage, named != .remove else { return named }
            return hasOldImage ? .modify : .insert
        }
    }

    // MARK: Filters

    extension ChangeFilter {
        /// Whether a change passes the filter.
        ///
        /// An item whose tag another program damaged belongs to the entity that its key names, as
        /// one without a tag does. The tag is an error of the item, when it is read.
        ///
        /// - Parameters:
        ///   - change: The change.
        ///   - schema: The schema that tells the entities of keys.
        /// - Returns: Whether it passes.
        func includes(_ change: RemoteChange, _ schema: Schema?) -> Bool {
            if let kinds, !kinds.contains(change.kind) { return false }
            if let tables, !tables.contains(change.table) { return false }
            guard includesKey(change.key) else { return false }
            guard let entities else { return true }
            var hasTag = false
            for item in [change.oldImage, change.newImage] {
                guard let item, let tag = try? EntityTag(of: item) else { continue }
                if entities.contains(tag.entity) { return true }
                hasTag = true
            }
            if hasTag { return false }
            guard let schema, let table = schema.tables.first(where: { $0.name == change.table })
            else { return false }
            return schema.entities.contains { entity in
                entities.contains(entity.name) && entity.table == table.name
                    && entity.matches(change.key, in: table)
            }
        }
    }
#endif
