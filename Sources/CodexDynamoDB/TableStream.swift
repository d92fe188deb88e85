internal import CodexCore
internal import CodexStore
internal import FoundationEssentials

/// A table's stream: the table's changes after a commit, up to another commit if it ended.
struct TableStream: Sendable {
    let view: StreamView
    let label: String
    /// The time when it was enabled, in milliseconds since 1970.
    let createdAt: Int
    /// The commit after which it starts.
    let start: UInt64
    /// The last commit in it; `nil` while it is enabled.
    private(set) var end: UInt64?
    /// The time when it ended, in milliseconds since 1970.
    private(set) var endedAt: Int?

    init(view: StreamView, at point: StreamPoint) {
        self.view = view
        createdAt = point.instant
        label = String(
            Timestamp.text(Date(timeIntervalSince1970: Double(createdAt) / 1000)).dropLast())
        start = point.commit
    }

    init?(_ map: AttributeMap) {
        guard let view = map["view"]?.string.flatMap(StreamView.init),
            let label = map["label"]?.string, let createdAt = map["createdAt"]?.instant,
            let start = map["start"]?.number?.int64.flatMap({ UInt64(exactly: $0) })
        else { return nil }
        (self.view, self.label, self.start) = (view, label, start)
        self.createdAt = createdAt
        end = map["end"]?.number?.int64.flatMap { UInt64(exactly: $0) }
        endedAt = map["endedAt"]?.instant
    }

    var map: AttributeMap {
        var map: AttributeMap = [
            "view": .string(view.rawValue), "label": .string(label),
            "createdAt": .number(Number(createdAt)), "start": .number(Number(start)),
        ]
        map["end"] = end.map { .number(Number($0)) }
        map["endedAt"] = endedAt.map { .number(Number($0)) }
        return map
    }

    var isEnabled: Bool { end == nil }

    /// Ends the stream after a commit, at a time in milliseconds since 1970.
    mutating func close(after commit: UInt64, at instant: Int) {
        guard isEnabled else { return }
        (end, endedAt) = (commit, instant)
    }

    /// Moves the end of a stream that ended to a later commit.
    mutating func extend(to commit: UInt64) { end = end.map { max($0, commit) } }

    /// Whether it is described at a time: AWS keeps the records of a stream that ended for a day.
    ///
    /// A stream that an earlier release ended has no time of its end, and is described.
    func isDescribed(at instant: Int) -> Bool {
        guard let endedAt else { return true }
        return instant - endedAt < Self.keptMilliseconds
    }

    /// The time for which a stream that ended is described.
    static let keptMilliseconds = 24 * 60 * 60 * 1000

    /// The identifier of its one shard.
    var shardID: String { shardID(String(SHA256.hexadecimal(label).prefix(8))) }

    /// The identifier of one of several shards, by its number from 0.
    func shardID(ofNumber number: Int) -> String {
        shardID(Self.padded(String(number, radix: 16), 8))
    }

    /// The identifier of a shard; stream adapters read the time in it.
    private func shardID(_ name: String) -> String {
        "shardId-\(Self.padded(String(createdAt), 20))-\(name)"
    }

    private static func padded(_ digits: String, _ count: Int) -> String {
        String(repeating: "0", count: max(0, count - digits.count)) + digits
    }
}

/// What a request asks of a table's stream.
struct StreamRequest: Sendable {
    let isEnabled: Bool
    let view: StreamView?

    /// Reads the parameter `StreamSpecification`.
    init?(_ input: RequestParameters) throws {
        guard let parameters = try input.object("StreamSpecification") else { return nil }
        guard let isEnabled = try parameters.bool("StreamEnabled") else {
            throw RequestParameters.missing("StreamSpecification.streamEnabled")
        }
        self.isEnabled = isEnabled
        view = try parameters.string("StreamViewType").flatMap(StreamView.init)
    }
}
