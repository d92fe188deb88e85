#if Remote
    internal import CodexCore

    /// A part of a stream, in which all changes of an item come in their order.
    struct StreamShard: Sendable, Hashable {
        /// The identifier.
        let id: String
        /// The shard whose items it has since the end of that one; `nil` if it was the first.
        let parent: String?
        /// The first number that a change of the shard can have.
        let start: StreamSequenceNumber?

        init(_ id: String, parent: String? = nil, start: StreamSequenceNumber? = nil) {
            (self.id, self.parent, self.start) = (id, parent, start)
        }

        /// Reads a shard of DescribeStream; `nil` if it is none.
        init?(_ node: JSONNode) {
            guard let id = node["ShardId"]?.text, !id.isEmpty else { return nil }
            let start = node["SequenceNumberRange"]?["StartingSequenceNumber"]?.text
            self.init(
                id, parent: node["ParentShardId"]?.text,
                start: start.flatMap { StreamSequenceNumber($0) })
        }
    }
#endif
