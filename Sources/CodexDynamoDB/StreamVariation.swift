internal import CodexCore
internal import FoundationEssentials

/// How streams differ from those of this service, as faults or a model of another service ask for
/// it.
package struct StreamVariation: Sendable, Hashable {
    /// The number of shards, among which items are divided by their partition keys.
    package let shardCount: Int
    /// The time after which a change appears.
    package let delay: Duration
    /// The other service that records name; `nil` is DynamoDB.
    ///
    /// In records of another service, the creation of an item is named as a change of it, and a
    /// removal by the time to live looks like any other.
    package let source: String?

    package init(shardCount: Int, delay: Duration = .zero, source: String? = nil) {
        (self.shardCount, self.delay, self.source) = (shardCount, delay, source)
    }

    /// Whether a change appears.
    ///
    /// - Parameters:
    ///   - time: The time of the change.
    ///   - now: The present time in milliseconds since 1970.
    /// - Returns: Whether it is old enough.
    func shows(_ time: Date, at now: Int) -> Bool {
        // A clock that was set back delays nothing.
        guard delay > .zero else { return true }
        return Duration.milliseconds(Int64(now) - time.millisecondsSince1970) >= delay
    }
}

/// The shards of a stream: one, or those of a variation.
struct StreamShards: Sendable {
    let stream: TableStream
    let variation: StreamVariation?

    init(_ stream: TableStream, _ variation: StreamVariation?) {
        (self.stream, self.variation) = (stream, variation)
    }

    /// The identifiers in their order.
    var ids: [String] {
        guard let variation else { return [stream.shardID] }
        return (0..<variation.shardCount).map(id)
    }

    /// The identifier of a shard of a variation, with the time of the stream and the number.
    private func id(_ number: Int) -> String {
        guard variation?.source != nil else { return stream.shardID(ofNumber: number) }
        let digits = String(number, radix: 16)
        let padding = String(repeating: "0", count: max(0, 32 - digits.count))
        return "H\(String(stream.createdAt, radix: 16)):\(padding)\(digits)"
    }

    /// The shard with an identifier; `nil` if the stream does not have it.
    func shard(_ id: String) -> StreamShard? {
        ids.firstIndex(of: id).map { StreamShard(number: $0, variation: variation) }
    }
}

/// One shard of a stream.
struct StreamShard: Sendable {
    let number: Int
    let variation: StreamVariation?

    /// The service that its records name, if it is not DynamoDB.
    var otherSource: String? { variation?.source }

    /// Whether the shard has the changes of a partition.
    func includes(_ partition: AttributeValue) -> Bool {
        guard let variation else { return true }
        return Segment.number(of: partition, count: variation.shardCount) == number
    }
}
