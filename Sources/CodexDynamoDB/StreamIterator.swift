internal import CodexCore
internal import CodexStore

/// The content of a shard iterator.
struct StreamIterator: Sendable {
    let arn: String
    var after: SequenceNumber
    /// Whether it began with the oldest change.
    var isOldest: Bool
    var madeAt: Int
    /// The number of the shard.
    let shard: Int

    init(arn: String, after: SequenceNumber, isOldest: Bool, madeAt: Int, shard: Int) {
        self.arn = arn
        self.after = after
        self.isOldest = isOldest
        self.madeAt = madeAt
        self.shard = shard
    }

    var text: String {
        var parts = [arn, after.description, isOldest ? "1" : "0", "\(madeAt)"]
        if shard > 0 { parts.append("\(shard)") }
        return "\(arn)|1|" + Base64.encodeURL(Array(parts.joined(separator: "|").utf8))
    }

    init?(_ text: String) {
        guard let last = text.split(separator: "|").last,
            let bytes = Base64.decodeURL(String(last)),
            let decoded = String(validating: bytes, as: UTF8.self)
        else { return nil }
        let parts = decoded.split(separator: "|", omittingEmptySubsequences: false)
        guard (4...5).contains(parts.count), let after = SequenceNumber(String(parts[1])),
            let madeAt = Int(parts[3]), madeAt >= 0,
            let shard = parts.count == 4 ? 0 : Int(parts[4]), shard >= 0
        else { return nil }
        self.init(
            arn: String(parts[0]), after: after, isOldest: parts[2] == "1", madeAt: madeAt,
            shard: shard)
    }
}
