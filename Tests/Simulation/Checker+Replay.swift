// MARK: Rule 3, replay

extension Checker {
    /// Replays the stream on the model, and checks each image.
    mutating func replay() {
        for (place, commit) in history.stream.enumerated() {
            var model = states[place]
            var counted = counters[place]
            for share in shares[place] {
                if let op = share.op, let write = history.writes[op] {
                    check(write, share, commit, model)
                }
                for change in share.changes {
                    checkForm(change, commit)
                    if change.table == "c" {
                        replayConsumer(commit, change, counted[change.key])
                        counted[change.key] = change.new
                        continue
                    }
                    if change.isExpiry {
                        replayExpiry(change, share.op, place, model)
                    } else if share.op == nil {
                        add(
                            .replay, "a commit without a write changes items",
                            "\(commit.sequence): \(change.key)")
                    }
                    // What is wrong once is not reported at each later commit.
                    model.set(change)
                }
            }
            consumed.add(commit)
            states.append(model)
            counters.append(counted)
        }
    }

    /// Checks that a change is of the table of its key, and of the kind that its images show.
    private mutating func checkForm(_ change: LoggedChange, _ commit: LoggedCommit) {
        if change.isOfWrite, change.table != change.key.table {
            add(
                .replay, "a change is of another table",
                "commit \(commit.sequence): \(change.key) in \(change.table)")
        }
        if let kind = change.kind, kind != change.shownKind {
            add(
                .replay, "a change is of another kind",
                "commit \(commit.sequence): \(change.key) has \(kind)")
        }
    }

    private mutating func replayExpiry(
        _ change: LoggedChange, _ op: Int?, _ place: Int, _ model: Model
    ) {
        let detail = "commit \(history.stream[place].sequence): \(change.key)"
        if change.new != nil || model.items[change.key] != change.old {
            add(.replay, "an expiry has a wrong image", detail)
        }
        guard let write = op.flatMap({ history.writes[$0] }) else {
            return expiries.append((place, change))
        }
        let isOver = moments(of: write).contains { moment in
            change.old?.isExpired(at: moment.now, by: moment.lifetime) == true
        }
        if !isOver { add(.replay, "an item was removed that is not over", detail) }
    }

    /// The attempts that may have stored a write; of one that cannot be stored, all of them.
    private static func likelyAttempts(of write: History.Write) -> [History.Attempt] {
        let attempts = write.storingAttempts
        return attempts.isEmpty ? write.attempts : attempts
    }

    /// A clock, and what decided when passes are over.
    private struct Moment: Hashable {
        var now: Int
        var lifetime: Lifetime
    }

    /// What the attempts may have met that may have stored a write.
    private func moments(of write: History.Write) -> [Moment] {
        let hasPass = write.actions.contains { $0.key.isPass }
        var moments: Set<Moment> = []
        for attempt in Self.likelyAttempts(of: write) {
            let found = hasPass ? lifetimes(attempt.invoked, attempt.completed) : [.never]
            for lifetime in found { moments.insert(Moment(now: attempt.now, lifetime: lifetime)) }
        }
        return moments.sorted {
            ($0.now, $0.lifetime.rawValue) < ($1.now, $1.lifetime.rawValue)
        }
    }

    private mutating func check(
        _ write: History.Write, _ share: Share, _ commit: LoggedCommit, _ model: Model
    ) {
        let own = share.changes.filter { $0.isOfWrite && !$0.isExpiry }
            .map { Model.Change(key: $0.key, old: $0.old, new: $0.new) }
        let actual = Dictionary(own.map { ($0.key, $0) }) { $1 }
        if actual.count != own.count {
            add(
                .replay, "a write changes an item twice",
                "commit \(commit.sequence), write \(write.op)")
        }
        var reason = ("a write has no attempt", "")
        for moment in moments(of: write) {
            var model = model
            model.lifetime = moment.lifetime
            let verdict = model.judge(
                write.allActions, op: write.op, now: moment.now, isList: write.isList)
            switch verdict {
            case .applied(let changes):
                let expected = Dictionary(changes.map { ($0.key, $0) }) { $1 }
                if actual == expected {
                    let orders = [changes, own].map { Self.ordered($0, of: write) }
                    if orders[0] != orders[1] {
                        add(
                            .replay, "the changes of a write are in another order",
                            "commit \(commit.sequence), write \(write.op): \(orders[1])")
                    }
                    return
                }
                reason = ("a commit has other changes", Self.difference(expected, actual))
            case .conditionFailed(let places):
                reason = ("a write with a false condition is in the stream", "\(places)")
            case .uniqueViolation(let places):
                reason = ("a write with a taken unique value is in the stream", "\(places)")
            case .notFound(let places):
                reason = ("a write of an order that is missing is in the stream", "\(places)")
            case .versionMismatch(let places):
                reason = ("a write of a stale order is in the stream", "\(places)")
            }
        }
        add(.replay, reason.0, "commit \(commit.sequence), write \(write.op): \(reason.1)")
    }

    /// The keys of the changes whose order is determined: a deletion by a query has none.
    private static func ordered(_ changes: [Model.Change], of write: History.Write) -> [ItemKey] {
        let hasDeletion = write.actions.contains { $0.deletion != nil }
        return changes.filter { !hasDeletion || $0.new != nil }.map(\.key)
    }

    private static func difference(
        _ expected: [ItemKey: Model.Change], _ actual: [ItemKey: Model.Change]
    ) -> String {
        for key in Set(expected.keys).union(actual.keys).sorted()
        where expected[key] != actual[key] {
            return "\(key): expected \(text(expected[key])), not \(text(actual[key]))"
        }
        return ""
    }

    private static func text(_ change: Model.Change?) -> String {
        guard let change else { return "no change" }
        return "\(text(change.old)) -> \(text(change.new))"
    }

    // MARK: Consumers

    /// Checks that a consumer has counted each change once, from its beginning.
    private mutating func replayConsumer(
        _ commit: LoggedCommit, _ change: LoggedChange, _ old: ItemImage?
    ) {
        let detail = "commit \(commit.sequence): \(change.key)"
        guard change.old == old, let new = change.new, let chain = new.chain, let n = new.n,
            n > old?.n ?? 0
        else {
            return add(.copies, "a consumer's item is wrong", detail)
        }
        // If the store gave up its history, a consumer may have begun with any commit.
        let starts =
            consumerStarts[change.key].map { [$0] } ?? (history.isTrimmed ? consumed.starts : [0])
        guard let start = starts.first(where: { consumed.chain(of: n, after: $0) == chain })
        else { return add(.copies, "a consumer did not count each change once", detail) }
        consumerStarts[change.key] = start
    }
}

/// The changes of the items' table, as consumers count them.
struct ConsumedChanges: Sendable {
    private var numbers: [String] = []
    private var places: [(commit: Int, ordinal: Int)] = []
    /// The number of changes before the first commit and after each.
    private(set) var starts = [0]

    mutating func add(_ commit: LoggedCommit) {
        for change in commit.changes where change.table == "t" {
            numbers.append("\(commit.sequence).\(change.ordinal);")
            places.append((commit.sequence, change.ordinal))
        }
        starts.append(numbers.count)
    }

    /// The number of changes up to one with a number; that of a commit has all of its changes.
    func count(upTo number: String) -> Int {
        let parts = number.split(separator: ".").map { Int($0) ?? 0 }
        let last = (parts.first ?? 0, parts.count > 1 ? parts[1] : Int.max)
        return places.prefix { ($0.commit, $0.ordinal) <= last }.count
    }

    /// The digest of a consumer that counted some changes; `nil` if there are not so many.
    func chain(of count: Int, after start: Int) -> String? {
        guard count >= 0, count <= numbers.count - start else { return nil }
        let hash = numbers[start..<start + count].reduce(Trace.hash("")) {
            Trace.hash($1, after: $0)
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

// MARK: Groups

extension Checker {
    /// Checks that the writes of a group are in one commit, in their order, or refused.
    mutating func checkGroups() {
        for found in shares {
            let ops = found.compactMap(\.op)
            guard ops.count > 1 else { continue }
            let sent = history.groups.first { $0.ops.contains(ops[0]) }?.ops ?? []
            if sent.filter({ ops.contains($0) }) != ops {
                add(
                    .presence, "writes share a commit that were not sent together in its order",
                    "\(ops)")
            }
        }
        for group in history.groups { check(group) }
    }

    private mutating func check(_ group: History.Group) {
        let writes = group.ops.compactMap { history.writes[$0] }
        let found = writes.filter(Self.isFirst).compactMap { places[$0.op] }
        if found != found.sorted() {
            add(.order, "the writes of a group are in another order", "\(group.ops)")
        }
        guard let place = found.first else { return }
        if group.mayBeSplit {
            let models = found.flatMap { self.models(within: $0) }
            for op in group.ops {
                refusedStates[op] = RefusedStates(models: models, isExact: false)
            }
        } else if found.contains(where: { $0 != place }) {
            add(.presence, "the writes of a group are in several commits", "\(group.ops)")
        } else {
            check(writes, at: place)
        }
    }

    /// Whether it was the first attempt that stored the write, or was refused.
    private static func isFirst(_ write: History.Write) -> Bool {
        guard let first = write.attempts.first else { return false }
        return write.attempts.count == 1
            || write.storingAttempts.map(\.invoked) == [first.invoked]
    }

    /// Checks the writes of a group whose commit is at a place.
    private mutating func check(_ writes: [History.Write], at place: Int) {
        var model = states[place]
        for write in writes {
            if let share = shares[place].first(where: { $0.op == write.op }) {
                for change in share.changes where change.isOfWrite { model.set(change) }
                continue
            }
            guard let attempt = write.attempts.first else { continue }
            if case .refused = attempt.outcome {
                refusedStates[write.op] = RefusedStates(models: [model], isExact: true)
                continue
            }
            let verdict = model.judge(
                write.allActions, op: write.op, now: attempt.now, isList: write.isList)
            if case .applied = verdict {
                add(
                    .presence, "a write of a group is missing in its commit",
                    "\(write.op) in \(history.stream[place].sequence)")
            }
        }
    }

    /// The states after each write of a commit.
    private func models(within place: Int) -> [Model] {
        var model = states[place]
        return shares[place].map { share in
            for change in share.changes where change.isOfWrite { model.set(change) }
            return model
        }
    }
}

extension Model {
    /// Makes a change of the stream.
    fileprivate mutating func set(_ change: LoggedChange) {
        set(change.key, change.isExpiry ? nil : change.new)
    }
}
