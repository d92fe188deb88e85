// The states that a command may have seen. A state's place is the number of commits before it.

extension Checker {
    /// Finds what the answers tell about the order of commits and answers.
    mutating func findBounds() {
        for (op, place) in places {
            guard let write = history.writes[op] else { continue }
            shown.append(Bound(step: write.completed, place: place + 1))
            begun.append(Bound(step: write.invoked, place: place))
        }
        for read in history.reads {
            shown.append(
                Bound(step: read.completed, place: place(of: read.results.sequence ?? 0)))
        }
        for read in history.pagings {
            guard let last = read.results.pages?.last else { continue }
            shown.append(Bound(step: read.completed, place: place(of: last.sequence)))
        }
        for read in history.observations {
            shown.append(
                Bound(step: read.completed, place: place(of: read.results.sequence ?? 0)))
        }
        for scan in history.scans {
            shown.append(Bound(step: scan.completed, place: place(of: scan.scan.sequence)))
        }
        for sighting in history.sightings {
            shown.append(Bound(step: sighting.completed, place: place(of: sighting.sequence)))
        }
        for consumption in history.consumptions { find(consumption) }
        checkBounds()
    }

    /// Checks that no answer shows a commit that had not begun when it came.
    private mutating func checkBounds() {
        for begun in begun {
            let early = shown.first { $0.step < begun.step && $0.place > begun.place }
            guard let early else { continue }
            add(
                .snapshot, "an answer shows a commit that had not begun",
                "commit \(history.stream[begun.place].sequence) of step \(begun.step) or later, in "
                    + "step \(early.step)")
        }
    }

    private mutating func find(_ consumption: History.Consumption) {
        let place = history.stream.firstIndex { commit in
            commit.changes.contains { change in
                change.table == "c" && change.key.p == consumption.consumer
                    && change.new?.n == consumption.total.n
                    && change.new?.chain == consumption.total.chain
            }
        }
        guard let place else {
            return add(
                .presence, "an acknowledged transaction of a consumer is lost",
                "\(consumption.consumer) up to \(consumption.total.n) changes")
        }
        shown.append(Bound(step: consumption.completed, place: place + 1))
        begun.append(Bound(step: consumption.invoked, place: place))
    }

    /// The states that a command may see which lasted from one step to another.
    func window(_ invoked: Int, _ completed: Int) -> ClosedRange<Int> {
        let lower = shown.lazy.filter { $0.step < invoked }.map(\.place).max() ?? 0
        let upper = begun.lazy.filter { $0.step > completed }.map(\.place).min()
        // An order that is wrong was found before.
        return lower...max(lower, upper ?? states.count - 1)
    }

    /// The state after a commit and all before it.
    func place(of sequence: Int) -> Int {
        history.stream.firstIndex { $0.sequence > sequence } ?? history.stream.count
    }
}

// MARK: Rule 4, refusals

extension Checker {
    private struct Refused {
        var write: History.Write
        var attempt: History.Attempt
        var refusal: History.Refusal

        /// Whether the write is refused in a state, at the same places.
        func isRight(in model: Model) -> Bool {
            let verdict = model.judge(
                write.allActions, op: write.op, now: attempt.now, isList: write.isList)
            return switch verdict {
            case .applied: false
            case .conditionFailed(let places):
                refusal == History.Refusal(conditionFailed: places)
            case .uniqueViolation(let places):
                refusal == History.Refusal(uniqueViolation: places)
            case .notFound(let places):
                refusal == History.Refusal(notFound: places)
            case .versionMismatch(let places):
                refusal == History.Refusal(versionMismatch: places)
            }
        }
    }

    /// Checks that each refusal is right in a state that the write may have seen.
    ///
    /// What it saw has been shown: later reads see it, too. So the refusals come in the order of
    /// their answers.
    mutating func checkRefusals() {
        var all: [Refused] = []
        for write in history.writes.values {
            for attempt in write.attempts {
                guard case .refused(let refusal) = attempt.outcome else { continue }
                all.append(Refused(write: write, attempt: attempt, refusal: refusal))
            }
        }
        all.sort { ($0.attempt.completed, $0.write.op) < ($1.attempt.completed, $1.write.op) }
        for refused in all {
            // Only the first attempt was one of the group.
            let known =
                refused.write.attempts.count == 1 ? refusedStates[refused.write.op] : nil
            if let known, known.models.contains(where: { refused.isRight(in: $0) }) { continue }
            let places = window(refused.attempt.invoked, refused.attempt.completed)
            let place = places.first { refused.isRight(in: states[$0]) }
            guard let place, known?.isExact != true else {
                add(
                    .refusal, "a write was refused without a reason",
                    "\(refused.write.op): \(refused.refusal)")
                continue
            }
            shown.append(Bound(step: refused.attempt.completed, place: place))
        }
    }
}
