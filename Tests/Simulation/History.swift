/// What the processes of a history were told, and what they answered.
///
/// Times are steps of the history.
package struct History: Sendable {
    /// How an attempt to write ended.
    enum Outcome: Equatable, Sendable {
        /// It is stored.
        case acknowledged
        /// Its actions were refused: places of false conditions, and of unique values.
        case refused(Refusal)
        /// It was not done, for another reason.
        case failed(code: String)
        /// It may be stored.
        case unknown
    }

    /// Why actions were refused.
    struct Refusal: Equatable, Sendable {
        /// The places of actions whose condition is false.
        var conditionFailed: [Int] = []
        /// Whether a unique value is taken.
        var isUniqueViolation = false
    }

    /// An attempt to write.
    struct Attempt: Sendable {
        var invoked: Int
        var completed: Int
        var now: Int
        var outcome: Outcome
    }

    /// A write, sent once, or several times with its token.
    struct Write: Sendable {
        var op: Int
        /// The process whose marker it puts.
        var process: Int
        var actions: [Action]
        /// Whether its actions are judged by their common outcome.
        var isList: Bool
        var attempts: [Attempt] = []

        var isAcknowledged: Bool { attempts.contains { $0.outcome == .acknowledged } }
        /// Whether nothing of it can be stored.
        ///
        /// A refusal of a later attempt tells that an unknown one before it stored nothing: the
        /// token would be known.
        var isAbsent: Bool {
            switch attempts.last(where: { $0.outcome.isDecisive })?.outcome {
            case .refused: true
            case .acknowledged, .unknown: false
            case .failed, nil: true
            }
        }
        /// When it was sent first.
        var invoked: Int { attempts.first?.invoked ?? .max }
        /// When it was acknowledged first.
        var completed: Int {
            attempts.first { $0.outcome == .acknowledged }?.completed ?? .max
        }
        /// The marker that it puts.
        var marker: ItemImage {
            var item = ItemImage(ItemKey("marker#\(process)", 0))
            item.op = op
            return item
        }
    }

    /// A read of some items.
    struct Read: Sendable {
        var invoked: Int
        var completed: Int
        var now: Int
        var request: Request
        var results: Answer.Results
    }

    /// A snapshot of all items.
    struct Look: Sendable {
        /// Of what.
        var name: String
        var invoked: Int
        var completed: Int
        var now: Int
        var scan: Scan
        var verification: Verification?
        /// The commit that it must have at least.
        var sequenceMin = 0
    }

    /// A part of the change stream, read before the end.
    struct StreamPart: Sendable {
        var after: Int
        var last: Int
        var commits: [LoggedCommit]
    }

    /// The writes, by number.
    var writes: [Int: Write] = [:]
    /// The reads.
    var reads: [Read] = []
    /// The scans of the store, the last one included.
    var scans: [Look] = []
    /// Followers and restored stores.
    var copies: [Look] = []
    /// What was read of the stream on the way.
    var parts: [StreamPart] = []
    /// The stream at the end.
    var stream: [LoggedCommit] = []
    /// Whether the stream begins with the first commit.
    var isWhole = true
    /// Whether the store gave up the beginning of its stream: consumers may have begun later.
    var isTrimmed = false
    /// The last commit.
    var lastSequence = 0
    /// What verifications of the store found.
    var verifications: [Verification] = []
    /// The segments of the log at the end.
    var segments: [Segment] = []
}

extension History.Outcome {
    /// Whether it tells something about earlier attempts: a failure for another reason does not.
    fileprivate var isDecisive: Bool {
        if case .failed = self { return false }
        return true
    }
}
