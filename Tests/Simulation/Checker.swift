/// Checks a history against its change stream, by a model of its own.
package struct Checker {
    private let history: History
    private var findings: [Finding] = []
    /// The place of each write in the stream, from 0.
    private var places: [Int: Int] = [:]
    /// The write of each commit; `nil` for those that processes make by themselves.
    private var writers: [Int?] = []
    /// The states before the first commit and after each.
    private var states: [Model] = [Model()]
    /// The consumers' items in each state.
    private var counters: [[ItemKey: ItemImage]] = [[:]]
    /// When consumers had read which changes.
    private var consumed = ConsumedChanges()

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
        guard history.isWhole else { return checker.findings }
        checker.findWrites()
        checker.checkPresence()
        checker.checkOrder()
        checker.replay()
        checker.checkRefusals()
        checker.checkSnapshots()
        checker.checkCopies()
        checker.checkParts()
        return checker.findings
    }

    private mutating func add(_ rule: Finding.Rule, _ kind: String, _ detail: String = "") {
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

    private mutating func check(_ verification: Verification, _ name: String) {
        guard !verification.sound else { return }
        add(
            name == "the store" ? .finalState : .copies, "verify() finds differences in \(name)",
            verification.differences.prefix(5).joined(separator: "; "))
    }

    // MARK: Rule 1, presence

    private mutating func findWrites() {
        for (place, commit) in history.stream.enumerated() {
            let markers = commit.changes.filter {
                $0.table == "t" && $0.key.p.hasPrefix("marker#")
            }
            guard let marker = markers.first else {
                writers.append(nil)
                continue
            }
            guard markers.count == 1, let op = marker.new?.op, let write = history.writes[op],
                marker.key == write.marker.key
            else {
                add(.presence, "a commit is of no write", "commit \(commit.sequence)")
                writers.append(nil)
                continue
            }
            if let other = places[op] {
                add(
                    .presence, "a write is in the stream twice",
                    "\(op) in \(history.stream[other].sequence) and \(commit.sequence)")
            }
            writers.append(op)
            places[op] = places[op] ?? place
        }
    }

    private mutating func checkPresence() {
        for (op, write) in history.writes.sorted(by: { $0.key < $1.key }) {
            if write.isAcknowledged, places[op] == nil {
                add(.presence, "an acknowledged write is lost", "\(op)")
            }
            if !write.isAcknowledged, write.isAbsent, let place = places[op] {
                add(
                    .presence, "a refused write is in the stream",
                    "\(op) in \(history.stream[place].sequence)")
            }
        }
    }

    // MARK: Rule 2, order

    private mutating func checkOrder() {
        let placed = places.sorted { $0.value < $1.value }
        for (op, place) in placed {
            guard let write = history.writes[op] else { continue }
            let earlier = placed.first { other in
                other.value > place
                    && (history.writes[other.key]?.completed ?? .max) < write.invoked
            }
            guard let other = earlier else { continue }
            add(
                .order, "a write comes before one that had completed",
                "\(op) in \(history.stream[place].sequence), \(other.key) in "
                    + "\(history.stream[other.value].sequence)")
        }
    }

    // MARK: Rule 3, replay

    private mutating func replay() {
        for (place, commit) in history.stream.enumerated() {
            var model = states[place]
            var counted = counters[place]
            replayExpiries(commit, writers[place], &model)
            if let op = writers[place], let write = history.writes[op] {
                check(write, commit, model)
            }
            for change in commit.changes {
                switch change.table {
                case "c":
                    replayConsumer(commit, change, counted[change.key])
                    counted[change.key] = change.new
                default:
                    if writers[place] == nil, !change.isExpiry {
                        add(
                            .replay, "a commit without a write changes items",
                            "\(commit.sequence): \(change.key)")
                    }
                    // What is wrong once is not reported at each later commit.
                    model.set(change.key, change.new)
                }
            }
            consumed.add(commit)
            states.append(model)
            counters.append(counted)
        }
    }

    private mutating func replayExpiries(
        _ commit: LoggedCommit, _ op: Int?, _ model: inout Model
    ) {
        let attempts = op.flatMap { history.writes[$0]?.attempts } ?? []
        // A list of writes may store an item that is over already, and then write its key again.
        var earlier: [ItemKey: ItemImage?] = [:]
        for change in commit.changes where change.table == "t" {
            let isFirst = earlier[change.key] == nil
            let old = earlier[change.key] ?? model.items[change.key]
            earlier[change.key] = .some(change.new)
            guard change.isExpiry else { continue }
            if change.new != nil || old != change.old {
                add(
                    .replay, "an expiry has a wrong image",
                    "commit \(commit.sequence): \(change.key)")
            }
            let now = attempts.map { $0.now }.max() ?? change.time.map { Int($0) } ?? .max
            if change.old?.isExpired(at: now) != true {
                add(
                    .replay, "an item was removed that is not over",
                    "commit \(commit.sequence): \(change.key) at \(now)")
            }
            if isFirst { model.set(change.key, nil) }
        }
    }

    private mutating func check(
        _ write: History.Write, _ commit: LoggedCommit, _ model: Model
    ) {
        var actual: [ItemKey: Model.Change] = [:]
        for change in commit.changes where change.table == "t" && !change.isExpiry {
            actual[change.key] = Model.Change(key: change.key, old: change.old, new: change.new)
        }
        var reason = ("a write has no attempt", "")
        for now in Set(write.attempts.map { $0.now }).sorted() {
            let actions = write.actions + [Action(put: write.marker)]
            switch model.judge(actions, op: write.op, now: now, isList: write.isList) {
            case .applied(let changes):
                let expected = Dictionary(changes.map { ($0.key, $0) }) { $1 }
                if actual == expected { return }
                reason = ("a commit has other changes", Self.difference(expected, actual))
            case .conditionFailed(let places):
                reason = ("a write with a false condition is in the stream", "\(places)")
            case .uniqueViolation(let places):
                reason = ("a write with a taken unique value is in the stream", "\(places)")
            }
        }
        add(.replay, reason.0, "commit \(commit.sequence), write \(write.op): \(reason.1)")
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

    private static func text(_ item: ItemImage?) -> String {
        guard let item else { return "nothing" }
        let parts: [(String, String?)] = [
            ("g", item.g), ("v", item.v.map(String.init)), ("op", item.op.map(String.init)),
            ("u", item.u), ("x", item.x.map(String.init)),
            ("pad", item.pad.map { $0.damage ?? "\($0.seed),\($0.byteCount)" }),
            ("n", item.n.map(String.init)), ("other", item.other?.joined(separator: ",")),
        ]
        return "["
            + parts.compactMap { part in part.1.map { "\(part.0)=\($0)" } }
            .joined(separator: " ") + "]"
    }

    private mutating func replayConsumer(
        _ commit: LoggedCommit, _ change: LoggedChange, _ old: ItemImage?
    ) {
        guard !history.isTrimmed else { return }
        guard change.old == old, let new = change.new, let n = new.n, n > old?.n ?? 0,
            let chain = consumed.chain(after: n)
        else {
            return add(
                .copies, "a consumer's item is wrong", "commit \(commit.sequence): \(change.key)")
        }
        if new.chain != chain {
            add(
                .copies, "a consumer did not count each change once",
                "commit \(commit.sequence): \(change.key)")
        }
    }

    // MARK: Rule 4, refusals

    private mutating func checkRefusals() {
        for (op, write) in history.writes.sorted(by: { $0.key < $1.key }) {
            for attempt in write.attempts {
                guard case .refused(let refusal) = attempt.outcome else { continue }
                let window = window(attempt.invoked, attempt.completed)
                let actions = write.actions + [Action(put: write.marker)]
                let isRight = window.contains { place in
                    switch states[place].judge(
                        actions, op: op, now: attempt.now, isList: write.isList)
                    {
                    case .applied: false
                    case .conditionFailed(let failed): refusal.conditionFailed == failed
                    case .uniqueViolation:
                        refusal.isUniqueViolation && refusal.conditionFailed.isEmpty
                    }
                }
                if !isRight {
                    add(.refusal, "a write was refused without a reason", "\(op): \(refusal)")
                }
            }
        }
    }

    /// The states that an operation may see which lasted from one step to another.
    private func window(_ invoked: Int, _ completed: Int) -> ClosedRange<Int> {
        var lower = 0
        var upper = states.count - 1
        for (op, place) in places {
            guard let write = history.writes[op] else { continue }
            if write.completed < invoked { lower = max(lower, place + 1) }
            if write.invoked > completed { upper = min(upper, place) }
        }
        for read in history.reads where read.completed < invoked {
            lower = max(lower, place(of: read.results.sequence ?? 0))
        }
        for scan in history.scans where scan.completed < invoked {
            lower = max(lower, place(of: scan.scan.sequence))
        }
        // An order that is wrong was found before.
        return lower...max(lower, upper)
    }

    /// The state after a commit and all before it.
    private func place(of sequence: Int) -> Int {
        history.stream.partitioningPlace { $0.sequence > sequence }
    }

    // MARK: Rules 5 and 6, snapshots

    private mutating func checkSnapshots() {
        for read in history.reads {
            let place = place(of: read.results.sequence ?? 0)
            let name = "commit \(read.results.sequence ?? 0), step \(read.invoked)"
            if !window(read.invoked, read.completed).contains(place) {
                add(.snapshot, "a read is too old or too new", name)
            }
            check(read, states[place], name)
        }
        for scan in history.scans {
            let place = place(of: scan.scan.sequence)
            let name = "commit \(scan.scan.sequence), step \(scan.invoked)"
            if !window(scan.invoked, scan.completed).contains(place) {
                add(.snapshot, "a scan is too old or too new", name)
            }
            let isLast = scan.completed == .max
            check(scan, place, isLast ? .finalState : .snapshot)
        }
    }

    private mutating func check(_ read: History.Read, _ model: Model, _ name: String) {
        let (request, results, now) = (read.request, read.results, read.now)
        if let keys = request.items {
            let expected = keys.map { model.visible($0, at: now) }
            if results.items != expected {
                let place = (results.items ?? []).indices.first {
                    $0 >= expected.count || results.items?[$0] != expected[$0]
                }
                var text = ""
                if let place, place < keys.count, let shown = results.items?[place] {
                    text = "\(keys[place]): expected \(Self.text(expected[place])), not "
                    text += Self.text(shown)
                }
                add(.snapshot, "a read has other items", "\(name): \(text)")
            }
        }
        if let groups = request.groups,
            results.groups != groups.map({ model.entriesByGroup(at: now, of: $0) })
        {
            add(.snapshot, "a read has other entries of a group", name)
        }
        if let groups = request.totals {
            let totals = Dictionary(model.totals().map { ($0.g, $0) }) { $1 }
            if results.totals != groups.map({ totals[$0] ?? GroupTotal($0) }) {
                add(.snapshot, "a read has other totals", name)
            }
        }
        if request.markers == true {
            var markers: [String: Int] = [:]
            for item in model.items.values where item.p.hasPrefix("marker#") {
                markers[String(item.p.dropFirst("marker#".count))] = item.op
            }
            if results.markers ?? [:] != markers {
                add(.snapshot, "a read has other markers", name)
            }
        }
    }

    private mutating func check(_ look: History.Look, _ place: Int, _ rule: Finding.Rule) {
        let (scan, model, now) = (look.scan, states[place], look.now)
        let detail = "commit \(scan.sequence)"
        let expected = model.visibleItems(at: now)
        if scan.items != expected {
            let (known, shown) = (Set(expected), Set(scan.items))
            let missing = known.subtracting(shown).map { "\($0.key) \(Self.text($0))" }.sorted()
            let added = shown.subtracting(known).map { "\($0.key) \(Self.text($0))" }.sorted()
            add(
                rule, "\(look.name) has other items",
                "\(detail): missing \(missing.prefix(3)), wrong \(added.prefix(3))")
        }
        let parts: [(String, [ItemImage]?, [ItemImage])] = [
            ("the index byG", scan.byG.elements, model.entriesByGroup(at: now)),
            ("the index byU", scan.byU.elements, model.entriesByUnique(at: now)),
            ("the index byV", scan.byV?.elements, model.entriesByValue(at: now)),
        ]
        for (name, entries, expected) in parts where entries ?? expected != expected {
            add(rule, "\(look.name) has other entries in \(name)", detail)
        }
        if scan.byG.elements == nil || scan.byU.elements == nil || scan.totals.elements == nil {
            add(rule, "\(look.name) has an index that is not ready", detail)
        }
        if let totals = scan.totals.elements, totals != model.totals() {
            add(rule, "\(look.name) has other totals", detail)
        }
        if scan.counters.sorted(by: { $0.key < $1.key })
            != counters[place].values.sorted(by: { $0.key < $1.key })
        {
            add(rule, "\(look.name) has other items of consumers", detail)
        }
    }

    // MARK: Rule 7, copies, and parts of the stream

    private mutating func checkCopies() {
        for copy in history.copies {
            if let verification = copy.verification { check(verification, copy.name) }
            if copy.scan.sequence < copy.sequenceMin {
                add(
                    .copies, "\(copy.name) lacks commits",
                    "\(copy.scan.sequence), not \(copy.sequenceMin)")
            }
            check(copy, place(of: copy.scan.sequence), .copies)
        }
    }

    private mutating func checkParts() {
        for part in history.parts {
            let expected = history.stream.filter {
                $0.sequence > part.after && $0.sequence <= part.last
            }
            if part.commits != expected {
                add(
                    .snapshot, "the stream was another before",
                    "after \(part.after) to \(part.last)")
            }
        }
    }
}

/// The digests that a consumer has after each change of the items' table.
private struct ConsumedChanges {
    private var hashes: [UInt64] = [Trace.hash("")]

    mutating func add(_ commit: LoggedCommit) {
        for change in commit.changes where change.table == "t" {
            let text = "\(commit.sequence).\(change.ordinal);"
            hashes.append(Trace.hash(text, after: hashes[hashes.count - 1]))
        }
    }

    /// The digest after so many changes, as its item has it; `nil` if there are not so many.
    func chain(after count: Int) -> String? {
        guard hashes.indices.contains(count) else { return nil }
        let digits = String(hashes[count], radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension [LoggedCommit] {
    /// The place of the first commit that fulfils a condition which all later ones fulfil.
    fileprivate func partitioningPlace(_ isAfter: (LoggedCommit) -> Bool) -> Int {
        firstIndex(where: isAfter) ?? count
    }
}
