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
    /// The reads through caches: each value may be of another state.
    var cachedReads: [Read] = []
    /// The reads of groups in pages, each with a snapshot of its own.
    var pagings: [Read] = []
    /// What observations delivered, with the request that began the observation.
    var observations: [Read] = []
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
    /// The transactions of consumers that were refused, since another one moved the consumer.
    var overtakings: [Overtaking] = []
    /// The changes of the schema, and the refusals that show what is there.
    var schemaChanges: [SchemaChange] = []
    /// The parts of builds that left nothing to do.
    var builds: [Build] = []
    /// What was read of the stream on the way.
    var parts: [StreamPart] = []
    /// The stream at the end.
    var stream: [LoggedCommit] = []
    /// Whether the stream begins with the first commit.
    var isWhole = true
    /// The commit after which the stream has all commits.
    var knownFrom = 0
    /// Whether the store gave up the beginning of its stream: consumers may have begun later.
    var isTrimmed = false
    /// The last commit.
    var lastSequence = 0
    /// The writes whose flush failed.
    var failedFlushes: [FailedFlush] = []
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
        /// Whether it was not known any more after it was acknowledged.
        var isForgotten: Bool {
            guard let first = attempts.firstIndex(where: { $0.outcome == .acknowledged }) else {
                return false
            }
            return attempts[(first + 1)...].contains { attempt in
                switch attempt.outcome {
                case .acknowledged: !attempt.isRepeat
                case .refused: true
                case .failed, .unknown: false
                }
            }
        }
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
        /// When its snapshot was asked for; with a held one that was before the read.
        var invoked: Int
        /// When its snapshot was there at the latest.
        var completed: Int
        var now: Int
        /// The clocks of earlier reads with the same snapshot, of which it may have one.
        var earlierClocks: [Int] = []
        var request: Request
        var results: Answer.Results
    }

    /// A snapshot of all items.
    struct Look: Sendable {
        /// Of what.
        var name: String
        var invoked: Int
        /// When the snapshot was there at the latest.
        var completed: Int
        var now: Int
        var scan: Scan
        var verification: Verification?
        /// The commit that it must have at least.
        var sequenceMin = 0
        /// The commit that it must have at most.
        var sequenceMax = Int.max
        /// Of a copy, its change stream.
        var stream: CopiedStream?
        /// Whether all indexes must be ready.
        var isBuilt = false
        /// Of a copy, steps within which its state was the store's newest; `nil` if that is not
        /// known.
        var newestSteps: ClosedRange<Int>?
        /// Of a copy, the commit after which its stream must begin at the latest.
        var streamAfterMax = Int.max
    }

    /// The change stream of a copy.
    struct CopiedStream: Sendable {
        /// The commit after which it begins.
        var after: Int
        var commits: [LoggedCommit]
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
        /// How many items were to be removed at most; `nil` is all.
        var limit: Int?
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

    /// A refused transaction of a consumer.
    struct Overtaking: Sendable {
        var invoked: Int
        var completed: Int
        var consumer: String
    }

    /// A part of the schema that comes and goes, or the layout of an index.
    enum SchemaPart: Hashable, Sendable {
        case index, counter, timeToLive
        /// The layout of the index with a name.
        case layout(String)
    }

    /// A change of the schema that was made, or may have been, or was refused.
    struct SchemaChange: Sendable {
        /// What is known of it.
        enum Outcome: Sendable {
            case made, unknown, refused
        }

        var part: SchemaPart
        /// The name of what is there since, or the layout; `nil` is nothing. Of a refusal, what was
        /// there.
        var name: String?
        var invoked: Int
        /// When it was answered, or its process was killed.
        var completed: Int
        var outcome = Outcome.made
    }

    /// A write whose flush failed: the store takes no other one until all have closed it.
    struct FailedFlush: Sendable {
        /// When that was answered.
        var answered: Int
        /// When no process had the store open any more.
        var closed = Int.max
    }

    /// A part of a build.
    struct Build: Sendable {
        var invoked: Int
        var completed: Int
    }

    /// A part of the change stream, read before the end.
    struct StreamPart: Sendable {
        var after: Int
        var last: Int
        var commits: [LoggedCommit]
    }
}
