/// What the processes of a history were told, and what they answered.
///
/// Times are steps of the history.
package struct History: Sendable {
    /// The writes, by number.
    var writes: [Int: Write] = [:]
    /// The writes that were sent together.
    var groups: [Group] = []
    /// The reads.
    var reads: [Read] = []
    /// The scans of the store, the last one included.
    var scans: [Look] = []
    /// Followers and restored stores.
    var copies: [Look] = []
    /// The commits that other answers showed.
    var sightings: [Sighting] = []
    /// The removals of expired items.
    var sweeps: [Sweep] = []
    /// What consumers counted.
    var consumptions: [Consumption] = []
    /// The changes of the schema, and the answers that show whether the index is there.
    var indexChanges: [IndexChange] = []
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

// MARK: Writes

extension History {
    /// How an attempt to write ended.
    enum Outcome: Equatable, Sendable {
        /// It is stored.
        case acknowledged
        /// Its actions were refused, at these places.
        case refused(Refusal)
        /// It was not done, for another reason.
        case failed(code: String)
        /// It may be stored.
        case unknown

        /// Whether it tells something about earlier attempts: other failures do not.
        fileprivate var isDecisive: Bool {
            if case .failed = self { return false }
            return true
        }
    }

    /// Why actions were refused.
    struct Refusal: Equatable, Sendable {
        /// The places of actions whose condition is false.
        var conditionFailed: [Int] = []
        /// The places of actions whose unique value is taken.
        var uniqueViolation: [Int] = []
        /// The places of typed actions whose order is missing.
        var notFound: [Int] = []
        /// The places of replacements whose order was written since it was read.
        var versionMismatch: [Int] = []
    }

    /// An attempt to write.
    struct Attempt: Sendable {
        var invoked: Int
        /// When it was answered, or its process was killed.
        var completed: Int
        var now: Int
        var outcome: Outcome
        /// Whether the answer was that an earlier attempt had stored it.
        var isRepeat = false
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
        /// The attempts that may have stored it.
        ///
        /// That is the one which was acknowledged. If it found the token, it was an unknown one
        /// before it.
        var storingAttempts: [Attempt] {
            guard let place = attempts.firstIndex(where: { $0.outcome == .acknowledged }) else {
                return attempts.filter { $0.outcome == .unknown }
            }
            guard attempts[place].isRepeat else { return [attempts[place]] }
            return attempts[..<place].filter { $0.outcome == .unknown }
        }
        /// When the first attempt was sent that may have stored it.
        var invoked: Int { (storingAttempts.first ?? attempts.first)?.invoked ?? .max }
        /// When the last attempt ended that may have stored it.
        ///
        /// Its record was in the log by then, or will never be: the next writer applies what a
        /// process left that was killed.
        var ended: Int { storingAttempts.last?.completed ?? .max }
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
        /// The actions, with the one that puts the marker.
        var allActions: [Action] { actions + [Action(put: marker)] }
    }

    /// Writes that a process sent together, for one commit.
    struct Group: Sendable {
        /// Their numbers, in order.
        var ops: [Int]
        /// Whether a call failed on demand meanwhile: then they may have run one by one.
        var mayBeSplit = false
    }
}

// MARK: Other commands

extension History {
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
        /// Whether all indexes must be ready.
        var isBuilt = false
    }

    /// A commit that an answer showed.
    struct Sighting: Sendable {
        /// The command.
        var name: Request.Name
        var invoked: Int
        var completed: Int
        var sequence: Int
        /// Whether it must be the newest commit of a moment between sending and answer.
        var isNewest = true
    }

    /// A removal of expired items.
    struct Sweep: Sendable {
        var invoked: Int
        /// When it was answered, or its process was killed.
        var completed: Int
        var now: Int
        /// How many items were removed; `nil` if that is not known.
        var count: Int?
    }

    /// An acknowledged transaction of a consumer.
    struct Consumption: Sendable {
        var invoked: Int
        var completed: Int
        var consumer: String
        var total: ConsumedTotal
    }

    /// A change of the schema that was made, or may have been.
    struct IndexChange: Sendable {
        /// What an answer tells about the index.
        enum Kind: Sendable {
            /// It was added.
            case addition
            /// It was removed.
            case removal
            /// It was not there to be removed.
            case absence
        }

        var kind: Kind
        var invoked: Int
        /// When it was answered, or its process was killed.
        var completed: Int
        /// Whether it was made.
        var isAcknowledged = true
    }

    /// A part of the change stream, read before the end.
    struct StreamPart: Sendable {
        var after: Int
        var last: Int
        var commits: [LoggedCommit]
    }
}
