// MARK: Rules 5 and 6, snapshots

extension Checker {
    /// Compares what reads and scans show with the states of the model.
    mutating func checkSnapshots() {
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
            check(
                scan, place, isLast ? .finalState : .snapshot,
                lifetimes(scan.invoked, scan.completed, isBuilt: scan.isBuilt))
        }
        for sighting in history.sightings where sighting.isNewest {
            let place = place(of: sighting.sequence)
            if !window(sighting.invoked, sighting.completed).contains(place) {
                add(
                    .snapshot, "the commit of \(sighting.name) is too old or too new",
                    "commit \(sighting.sequence), step \(sighting.invoked)")
            }
        }
    }

    private mutating func check(_ read: History.Read, _ model: Model, _ name: String) {
        // A snapshot has the clock of the first read that met an item with an end.
        let found = ([read.now] + read.earlierClocks).map { differences(read, model, $0) }
        if found.allSatisfy({ !$0.isEmpty }) {
            for (kind, detail) in found[0] { add(.snapshot, kind, "\(name): \(detail)") }
        }
        if let groups = read.request.totals {
            let totals = Dictionary(model.totals().map { ($0.g, $0) }) { $1 }
            if read.results.totals != groups.map({ totals[$0] ?? GroupTotal($0) }) {
                add(.snapshot, "a read has other totals", name)
            }
        }
        if read.request.markers == true {
            var markers: [String: Int] = [:]
            for item in model.items.values where item.p.hasPrefix("marker#") {
                markers[String(item.p.dropFirst("marker#".count))] = item.op
            }
            if read.results.markers ?? [:] != markers {
                add(.snapshot, "a read has other markers", name)
            }
        }
        checkOrders(read, model, name)
    }

    /// What a read shows of items with an end that is not in a state of the model, by a clock.
    private func differences(
        _ read: History.Read, _ model: Model, _ now: Int
    ) -> [(kind: String, detail: String)] {
        let (request, results) = (read.request, read.results)
        var found: [(kind: String, detail: String)] = []
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
                found.append(("a read has other items", text))
            }
        }
        if let groups = request.groups,
            results.groups != groups.map({ model.entriesByGroup(at: now, of: $0) })
        {
            found.append(("a read has other entries of a group", ""))
        }
        if request.passes != nil, !mayShow(results.passes, read, model, now) {
            found.append(("a read has other passes", ""))
        }
        return found
    }

    private mutating func check(
        _ look: History.Look, _ place: Int, _ rule: Finding.Rule, _ lifetimes: Set<Lifetime>
    ) {
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
        // What comes and goes may be under construction.
        let isUnbuilt = scan.byV?.code != nil || scan.addedTotals?.code != nil
        if look.isBuilt && isUnbuilt || scan.byG.elements == nil || scan.byU.elements == nil
            || scan.totals.elements == nil
        {
            add(rule, "\(look.name) has an index that is not ready", detail)
        }
        if let totals = scan.totals.elements, totals != model.totals() {
            add(rule, "\(look.name) has other totals", detail)
        }
        if let totals = scan.addedTotals?.elements, totals != model.totals() {
            add(rule, "\(look.name) has other totals of the added counter", detail)
        }
        if scan.counters.sorted(by: { $0.key < $1.key })
            != counters[place].values.sorted(by: { $0.key < $1.key })
        {
            add(rule, "\(look.name) has other items of consumers", detail)
        }
        checkOrders(look, model, rule)
        checkPasses(look, model, rule, lifetimes)
    }

    // MARK: Rule 7, copies, and parts of the stream

    /// Checks of a copy what needs no replay.
    mutating func checkAlone(_ copy: History.Look) {
        if let verification = copy.verification { check(verification, copy.name) }
        if copy.scan.sequence < copy.sequenceMin {
            add(
                .copies, "\(copy.name) lacks commits",
                "\(copy.scan.sequence), not \(copy.sequenceMin)")
        }
        if copy.scan.sequence > copy.sequenceMax {
            add(
                .copies, "\(copy.name) has commits after its end",
                "\(copy.scan.sequence), not \(copy.sequenceMax)")
        }
        if let stream = copy.stream, stream.after > copy.streamAfterMax {
            add(
                .copies, "\(copy.name) lacks the beginning of its stream",
                "it begins after \(stream.after), not \(copy.streamAfterMax)")
        }
    }

    /// Compares copies with the state at their commit, and their streams with that of the store.
    mutating func checkCopies() {
        for copy in history.copies {
            let known = copy.newestSteps.map { self.lifetimes($0.lowerBound, $0.upperBound) }
            check(copy, place(of: copy.scan.sequence), .copies, known ?? knownLifetimes)
        }
    }

    /// Compares what copies have of the stream, and what was read of it on the way, with the stream
    /// at the end, as far as that is known.
    mutating func checkStreams() {
        for copy in history.copies {
            guard let stream = copy.stream, stream.after >= history.knownFrom else { continue }
            let expected = history.stream.filter {
                $0.sequence > stream.after && $0.sequence <= copy.scan.sequence
            }
            if stream.commits != expected {
                add(
                    .copies, "\(copy.name) has another stream",
                    "after \(stream.after) to \(copy.scan.sequence)")
            }
        }
        for part in history.parts where part.after >= history.knownFrom {
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
