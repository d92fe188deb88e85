/// Checks a history against its change stream, by a model of its own.
package struct Checker {
    let history: History
    private var findings: [Finding] = []
    /// The place of each write's commit in the stream, from 0.
    private(set) var places: [Int: Int] = [:]
    /// What writes have in each commit, in order.
    private(set) var shares: [[Share]] = []
    /// The states before the first commit and after each.
    var states: [Model] = [Model()]
    /// The consumers' items in each state.
    var counters: [[ItemKey: ItemImage]] = [[:]]
    /// The changes that consumers have read.
    var consumed = ConsumedChanges()
    /// The number of changes before the first that each consumer has counted.
    var consumerStarts: [ItemKey: Int] = [:]
    /// The changes in commits without a write that removed items, with the place of the commit.
    var expiries: [(place: Int, change: LoggedChange)] = []
    /// The states that refused writes of groups may have seen.
    var refusedStates: [Int: RefusedStates] = [:]
    /// The states that answers have shown.
    var shown: [Bound] = []
    /// The states before commits that had not begun.
    var begun: [Bound] = []

    /// What one write has in a commit, or what a process has there by itself.
    struct Share {
        /// The write.
        var op: Int?
        var changes: [LoggedChange]
    }

    /// The states that a refused write may have seen within commits.
    struct RefusedStates {
        var models: [Model]
        /// Whether it saw one of them for certain.
        var isExact: Bool
    }

    /// A state, and when it was shown or may have been changed.
    struct Bound {
        var step: Int
        var place: Int
    }

    private init(_ history: History) { self.history = history }

    /// Checks a history.
    ///
    /// - Parameter history: The history, with its stream.
    /// - Returns: What is wrong; a stream whose beginning was given up is only looked at for what
    ///   needs no replay.
    package static func findings(in history: History) -> [Finding] {
        var checker = Checker(history)
        for verification in history.verifications { checker.check(verification, "the store") }
        checker.checkNumbers()
        checker.checkSchema()
        checker.checkFailedFlushes()
        for copy in history.copies { checker.checkAlone(copy) }
        checker.findWrites()
        checker.checkPresence()
        checker.checkOrder()
        checker.checkStreams()
        guard history.isWhole else { return checker.findings }
        checker.replay()
        checker.checkGroups()
        checker.findBounds()
        checker.checkRefusals()
        checker.checkExpiries()
        checker.checkSweeps()
        checker.checkSnapshots()
        checker.checkPages()
        checker.checkCachedReads()
        checker.checkObservations()
        checker.checkCopies()
        checker.checkConsumers()
        return checker.findings
    }

    mutating func add(_ rule: Finding.Rule, _ kind: String, _ detail: String = "") {
        findings.append(Finding(rule, kind, detail))
    }

    // MARK: Numbers

    private mutating func checkNumbers() {
        for (before, commit) in zip(history.stream, history.stream.dropFirst())
        where before.sequence >= commit.sequence {
            add(
                .finalState, "the commits of the stream are not in order",
                "\(before.sequence), \(commit.sequence)")
        }
        // A change that a commit has twice, or lacks, moves the numbers of those after it.
        for commit in history.stream
        where commit.changes.map(\.ordinal) != Array(commit.changes.indices) {
            add(
                .finalState, "the changes of a commit are not numbered one after the other",
                "\(commit.sequence): \(commit.changes.map(\.ordinal))")
        }
        if let last = history.stream.last, last.sequence > history.lastSequence {
            add(
                .finalState, "the stream has commits after the last",
                "\(last.sequence) > \(history.lastSequence)")
        }
        for (before, segment) in zip(history.segments, history.segments.dropFirst())
        where before.first + before.count != segment.first {
            add(
                .finalState, "the numbers of the log have a gap",
                "segment \(before.number) ends before \(before.first + before.count), "
                    + "segment \(segment.number) begins at \(segment.first)")
        }
        if let last = history.segments.last,
            last.first + last.count - 1 != history.lastSequence
        {
            add(
                .finalState, "the log does not end with the last commit",
                "\(last.first + last.count - 1), not \(history.lastSequence)")
        }
        for segment in history.segments where segment.end == "damaged" {
            add(.finalState, "a segment is damaged", "\(segment.number)")
        }
    }

    mutating func check(_ verification: Verification, _ name: String) {
        guard !verification.sound else { return }
        add(
            name == "the store" ? .finalState : .copies, "verify() finds differences in \(name)",
            verification.differences.prefix(5).joined(separator: "; "))
    }

    // MARK: Rule 1, presence

    /// Finds which changes are of which write: its marker is the last of them.
    private mutating func findWrites() {
        for (place, commit) in history.stream.enumerated() {
            var found: [Share] = []
            var changes: [LoggedChange] = []
            for change in commit.changes {
                changes.append(change)
                guard change.table == "t", change.key.p.hasPrefix("marker#") else { continue }
                found.append(Share(op: write(of: change, in: commit), changes: changes))
                changes = []
            }
            if !changes.isEmpty || found.isEmpty {
                found.append(Share(op: nil, changes: changes))
            }
            for op in found.compactMap(\.op) {
                if let other = places[op] {
                    add(
                        .presence, "a write is in the stream twice",
                        "\(op) in \(history.stream[other].sequence) and \(commit.sequence)")
                }
                places[op] = places[op] ?? place
            }
            shares.append(found)
        }
    }

    private mutating func write(of marker: LoggedChange, in commit: LoggedCommit) -> Int? {
        if let op = marker.new?.op, let write = history.writes[op], marker.key == write.marker.key {
            return op
        }
        add(.presence, "a commit is of no write", "commit \(commit.sequence)")
        return nil
    }

    private mutating func checkPresence() {
        let known = knownStep
        for (op, write) in history.writes.sorted(by: { $0.key < $1.key }) {
            if write.isAcknowledged, write.invoked > known, places[op] == nil {
                add(.presence, "an acknowledged write is lost", "\(op)")
            }
            if !write.isAcknowledged, write.isAbsent, let place = places[op] {
                add(
                    .presence, "a refused write is in the stream",
                    "\(op) in \(history.stream[place].sequence)")
            }
            if write.isForgotten {
                add(.presence, "the token of an acknowledged write is not known any more", "\(op)")
            }
            // Nothing before it can have stored it.
            if write.isAcknowledged, write.storingAttempts.isEmpty {
                add(.presence, "a write was taken for one that was sent before", "\(op)")
            }
        }
    }

    /// The step after which all writes have commits that the stream has: an answer before has shown
    /// a commit from which on the stream is known.
    private var knownStep: Int {
        guard !history.isWhole else { return -1 }
        var looks = history.reads.map { (sequence: $0.results.sequence ?? 0, step: $0.completed) }
        looks += history.scans.map { (sequence: $0.scan.sequence, step: $0.completed) }
        looks += history.sightings.map { (sequence: $0.sequence, step: $0.completed) }
        return looks.filter { $0.sequence >= history.knownFrom }.map(\.step).min() ?? .max
    }

    // MARK: Rule 2, order

    /// Checks that no write comes before one that had ended when it was sent.
    private mutating func checkOrder() {
        var first: (op: Int, ended: Int)?
        for (op, place) in places.sorted(by: { ($0.value, $0.key) > ($1.value, $1.key) }) {
            guard let write = history.writes[op] else { continue }
            if let first, first.ended < write.invoked {
                add(
                    .order, "a write comes before one that had ended",
                    "\(op) in \(history.stream[place].sequence), \(first.op) in "
                        + "\(history.stream[places[first.op] ?? place].sequence)")
            }
            if write.ended < first?.ended ?? .max { first = (op, write.ended) }
        }
    }
}

// MARK: Texts

extension Checker {
    static func text(_ item: ItemImage?) -> String {
        guard let item else { return "nothing" }
        let parts: [(String, String?)] = [
            ("g", item.g), ("v", item.v.map(String.init)), ("op", item.op.map(String.init)),
            ("u", item.u), ("x", item.x.map(String.init)), ("y", item.y.map(String.init)),
            ("pad", item.pad.map { $0.damage ?? "\($0.seed),\($0.byteCount)" }),
            ("n", item.n.map(String.init)), ("order", item.order.map { text($0) }),
            ("other", item.other?.joined(separator: ",")),
        ]
        return "["
            + parts.compactMap { part in part.1.map { "\(part.0)=\($0)" } }
            .joined(separator: " ") + "]"
    }
}
