#if os(Linux)
    internal import Foundation

    // MARK: Answers

    extension Driver {
        /// Records the answer to what a process did.
        func finish(_ slot: Int, _ line: String) throws {
            guard let task = slots[slot].task else { return }
            slots[slot].task = nil
            guard let answer = try? Answer(line: line) else {
                throw Finding(.code, "an answer cannot be read", String(line.prefix(500)))
            }
            statistics.commandCount += 1
            trace.add("\(slot) answers \(Self.text(answer, line))")
            try require(answer, to: task.request.command, task, slot)
            for part in answer.ok?.writes ?? [] { try require(part, to: .write, task, slot) }
            switch task.kind {
            case .opening: try finishOpening(slot, task, answer)
            case .closing: finishClosing(slot, answer)
            case .command(let command):
                if aloneSlot == slot { aloneSlot = nil }
                if !command.writes.isEmpty {
                    finishWrites(slot, task, command, answer)
                } else if let results = answer.ok {
                    try record(results, task, slot)
                } else {
                    recordFailure(task, answer.error, slot)
                }
            }
        }

        /// What the trace has of an answer: messages name paths that differ from run to run.
        private static func text(_ answer: Answer, _ line: String) -> String {
            if let code = answer.error { return "error \(code)" }
            guard let parts = answer.ok?.writes else { return String(Trace.hash(line), radix: 16) }
            return parts.map { $0.error ?? "\($0.ok?.done == true)" }.joined(separator: " ")
        }

        /// Throws unless an error has a reason.
        private func require(
            _ answer: Answer, to command: Request.Name, _ task: RunningTask, _ slot: Int
        ) throws {
            guard let code = answer.error else { return }
            guard errors.explains(code, of: command, in: slot, isFaulted: task.isFaulted) else {
                throw Finding(
                    .code, "\(command) fails with \(code)",
                    "process \(slot), step \(step): \(answer.message ?? "")")
            }
            guard ExplainedErrors.endsUse(code) else { return }
            // Some commands come before: a store that refuses writes must refuse theirs.
            if commandsToClose == nil {
                commandsToClose = graceChance.number(0...Self.commandsToCloseMax)
            }
            if commandsToClose == 0 { mustCloseAll = true }
        }

        /// How many commands begin at most after a failure, before all close the store.
        private static let commandsToCloseMax = 5

        /// Records that a write has no known outcome because a flush failed.
        ///
        /// After a second failure, the mark of the first may be missing.
        private func noteFailedFlush(_ task: RunningTask, _ outcomes: [History.Outcome]) {
            guard task.hasFailedFlush, task.faultCount == 1, outcomes.contains(.unknown) else {
                return
            }
            history.failedFlushes.append(History.FailedFlush(answered: step))
        }

        private func finishOpening(
            _ slot: Int, _ task: RunningTask, _ answer: Answer
        ) throws {
            guard let results = answer.ok else {
                errors.closed(by: slot)
                slots[slot].failedOpeningCount += 1
                guard slots[slot].failedOpeningCount < Self.openingAttemptMax else {
                    throw Finding(.code, "a store does not open any more", answer.error ?? "")
                }
                // Another process starts from nothing.
                if slots[slot].failedOpeningCount % 3 == 0 { endProcess(slot) }
                return
            }
            slots[slot].isOpen = true
            slots[slot].failedOpeningCount = 0
            if results.recovered == true, !task.isFaulted { errors.recovered() }
            see(results.sequence, task)
        }

        private func finishClosing(_ slot: Int, _ answer: Answer) {
            slots[slot].isOpen = false
            slots[slot].held?.state = .ended
            slots[slot].observation = nil
            errors.closed(by: slot)
            if answer.error != nil { endProcess(slot) }
        }

        /// Ends a process that does nothing.
        func endProcess(_ slot: Int) {
            slots[slot].process?.kill()
            slots[slot].process = nil
            slots[slot].isOpen = false
            errors.closed(by: slot)
        }
    }

    // MARK: Writes

    extension Driver {
        private func finishWrites(
            _ slot: Int, _ task: RunningTask, _ command: Command, _ answer: Answer
        ) {
            let requests = command.writes
            if command.request.command == .writes { addGroup(requests, task) }
            noteFailedFlush(task, (answer.ok?.writes ?? [answer]).map { outcome(of: $0) })
            for (place, request) in requests.enumerated() {
                var own = answer
                if let answers = answer.ok?.writes {
                    // An answer that is missing tells nothing.
                    guard answers.indices.contains(place) else { continue }
                    own = answers[place]
                }
                var attempt = History.Attempt(
                    invoked: task.invoked, completed: step,
                    now: request.now ?? command.request.now ?? 0, outcome: outcome(of: own))
                attempt.isRepeat = own.ok?.done == false
                add(attempt, to: request, command, slot)
            }
        }

        private func addGroup(_ requests: [Request], _ task: RunningTask) {
            statistics.groupCount += 1
            history.groups.append(
                History.Group(ops: requests.compactMap(\.op), mayBeSplit: task.isFaulted))
        }

        /// Records an attempt to write, and sends the write again if its outcome is not known.
        private func add(
            _ attempt: History.Attempt, to request: Request, _ command: Command, _ slot: Int
        ) {
            guard let op = request.op else { return }
            history.writes[op]?.attempts.append(attempt)
            switch attempt.outcome {
            case .acknowledged:
                statistics.acknowledgedCount += 1
                sendOnceMore(request, of: command, slot)
            case .refused: statistics.refusedCount += 1
            case .unknown:
                statistics.unknownCount += 1
                sendAgain(request, of: command, slot)
            case .failed: sendAgain(request, of: command, slot)
            }
        }

        private func outcome(of answer: Answer) -> History.Outcome {
            guard let code = answer.error else { return .acknowledged }
            let place = answer.action ?? -1
            switch code {
            case "outcomeUnknown": return .unknown
            case "conditionFailed":
                return .refused(History.Refusal(conditionFailed: [place]))
            case "uniqueViolation":
                return .refused(History.Refusal(uniqueViolation: [place]))
            case "notFound": return .refused(History.Refusal(notFound: [place]))
            case "versionMismatch":
                return .refused(History.Refusal(versionMismatch: [place]))
            case "transactionCancelled":
                let reasons = answer.reasons ?? []
                func places(_ code: String) -> [Int] {
                    reasons.indices.filter { reasons[$0] == code }
                }
                return .refused(
                    History.Refusal(
                        conditionFailed: places("conditionFailed"),
                        uniqueViolation: places("uniqueViolation")))
            default: return .failed(code: code)
            }
        }

        /// Sends a write with a token once more, from the same process or from the next.
        ///
        /// If all processes will close the store, that is about when they have done it.
        private func sendAgain(_ request: Request, of command: Command, _ slot: Int) {
            guard let op = request.op, let token = request.token, !token.isEmpty,
                let write = history.writes[op], write.attempts.count < Self.writeAttemptMax
            else { return }
            let other = op % 3 == 0 ? (slot + 1) % slots.count : slot
            insert(
                again(request, write, of: command, in: other), in: other,
                at: commandsToClose ?? 0)
        }

        /// Sends a write with a token again that was acknowledged, some commands later: the token
        /// must be known, also in another process.
        private func sendOnceMore(_ request: Request, of command: Command, _ slot: Int) {
            guard let op = request.op, op % 4 == 0, let token = request.token, !token.isEmpty,
                let write = history.writes[op], write.attempts.count == 1
            else { return }
            let other = (slot + 1) % slots.count
            insert(again(request, write, of: command, in: other), in: other, at: 2 + op % 7)
        }

        /// Puts a command into the queue of a process, at its end if the queue is shorter.
        private func insert(_ command: Command, in slot: Int, at place: Int) {
            var command = command
            let place = min(slots[slot].queue.count, place)
            if let before = slots[slot].queue[..<place].last?.request.now {
                command.request.now = before
            }
            slots[slot].queue.insert(command, at: place)
        }

        private func again(
            _ request: Request, _ write: History.Write, of command: Command, in slot: Int
        ) -> Command {
            var again = Command(id: command.id, process: slot, request: request)
            again.request.process = write.process
            // A clock that goes back would be a jump.
            let now = request.now ?? command.request.now ?? 0
            again.request.now = max(now, slots[slot].now)
            return again
        }
    }

    // MARK: Other commands

    extension Driver {
        private func record(
            _ results: Answer.Results, _ task: RunningTask, _ slot: Int
        ) throws {
            let request = task.request
            let now = request.now ?? slots[slot].now
            let read = History.Read(
                invoked: task.invoked, completed: step, now: now, request: request,
                results: results)
            countOverlap(task)
            switch request.command {
            case .read: history.reads.append(inOneSnapshot(read, task))
            case .hold, .heldRead: try recordHeld(inOneSnapshot(read, task), slot)
            case .pages: history.pagings.append(read)
            case .cachedRead: history.cachedReads.append(read)
            case .observe, .observed: recordObserved(read, slot)
            case .endObservation: slots[slot].observation = nil
            case .letGo, .compact: slots[slot].held?.state = .ended
            case .scan:
                guard let scan = results.scan else { return }
                if scan.byV?.code != nil || scan.addedTotals?.code != nil {
                    statistics.unreadyScanCount += 1
                }
                history.scans.append(look("a scan", scan, task, now))
            case .verify:
                if let verification = results.verify { history.verifications.append(verification) }
            case .addIndex, .removeIndex, .addCounter, .removeCounter, .addTimeToLive,
                .removeTimeToLive, .changeLayout:
                addSchemaChange(task)
            case .buildStep:
                statistics.buildStepCount += 1
                if results.state == "done" {
                    history.builds.append(History.Build(invoked: task.invoked, completed: step))
                }
            case .removeExpired: addSweep(task, now, count: results.count)
            case .consume:
                see(Self.commit(results.at), task, isNewest: false)
                if let total = results.total, let name = request.name {
                    history.consumptions.append(
                        History.Consumption(
                            invoked: task.invoked, completed: step, consumer: name, total: total))
                }
            case .changes:
                let last = results.streamEnd ?? request.start
                history.parts.append(
                    reading.add(after: request.start, to: last, results.changes ?? []))
                see(last.commit, task, isNewest: results.end == true)
            case .checkpoint, .sequence: see(results.sequence, task)
            case .backup, .archive: try recordSaved(results, task)
            case .restore, .follow: recordCopy(results, task, now)
            default: break
            }
        }

        /// A read that has one snapshot for all that it reads.
        ///
        /// It had the snapshot when it first gave the turn back, so it shows nothing later.
        private func inOneSnapshot(
            _ read: History.Read, _ task: RunningTask
        ) -> History.Read {
            var read = read
            if let step = task.firstPartStep { read.completed = step }
            return read
        }

        /// Counts a read during which a write was acknowledged.
        private func countOverlap(_ task: RunningTask) {
            guard task.request.takesTurns == true,
                statistics.acknowledgedCount > task.acknowledgedCount
            else { return }
            statistics.overlappedReadCount += 1
        }

        /// Records what an observation delivered: it is of what the first command named.
        private func recordObserved(_ read: History.Read, _ slot: Int) {
            var read = read
            if read.request.command == .observe { slots[slot].observation = read.request }
            read.request = slots[slot].observation ?? read.request
            statistics.deliveryCount += read.results.deliveries?.count ?? 0
            history.observations.append(read)
        }

        /// Records a read with a snapshot that the process holds: it shows the state at its
        /// beginning.
        private func recordHeld(_ read: History.Read, _ slot: Int) throws {
            if read.request.command == .hold {
                slots[slot].held = HeldSnapshot(invoked: read.invoked, completed: read.completed)
            }
            guard var held = slots[slot].held else { return }
            let isEnded = read.results.ended == true
            if held.state == (isEnded ? .open : .ended) {
                throw Finding(
                    .snapshot, "a held snapshot \(isEnded ? "has ended" : "outlives its end")",
                    "process \(slot), step \(step)")
            }
            guard !isEnded else {
                slots[slot].held = nil
                return
            }
            var read = read
            (read.invoked, read.completed) = (held.invoked, held.completed)
            read.earlierClocks = held.clocks
            held.clocks.append(read.now)
            held.state = .open
            slots[slot].held = held
            history.reads.append(read)
        }

        private func look(
            _ name: String, _ scan: Scan, _ task: RunningTask, _ now: Int
        ) -> History.Look {
            History.Look(
                name: name, invoked: task.invoked, completed: task.firstPartStep ?? step,
                now: now, scan: scan)
        }

        /// Records what a failed command may have done, or shows.
        private func recordFailure(_ task: RunningTask, _ code: String?, _ slot: Int) {
            let now = task.request.now ?? slots[slot].now
            switch (task.request.command, code) {
            case (.removeExpired, _): addSweep(task, now, count: nil)
            case (.consume, "consumerMoved"):
                history.overtakings.append(
                    History.Overtaking(
                        invoked: task.invoked, completed: step,
                        consumer: task.request.name ?? ""))
            case (.hold, _): slots[slot].held = nil
            case (.observe, _), (.observed, _): slots[slot].observation = nil
            case (.compact, _):
                slots[slot].held?.state = .unknown
                errors.compactionFailed(with: code ?? "", in: slot)
            case (_, "outcomeUnknown"): addSchemaChange(task, .unknown)
            case (_, "unknownIndex"), (_, "schemaMismatch"): addSchemaChange(task, .refused)
            default: break
            }
        }

        /// Records a change of the schema, if a command makes one.
        private func addSchemaChange(
            _ task: RunningTask, _ outcome: History.SchemaChange.Outcome = .made
        ) {
            guard let part = task.request.schemaPart else { return }
            var name = task.request.isAddition ? task.request.name : task.request.layout
            if outcome == .refused, let refused = name {
                // The other time to live is there.
                name = refused == "x" ? "y" : "x"
            }
            history.schemaChanges.append(
                History.SchemaChange(
                    part: part, name: name, invoked: task.invoked, completed: step,
                    outcome: outcome))
        }

        private func addSweep(_ task: RunningTask, _ now: Int, count: Int?) {
            history.sweeps.append(
                History.Sweep(
                    invoked: task.invoked, completed: step, now: now, limit: task.request.limit,
                    count: count))
        }

        /// Records that an answer showed a commit.
        func see(_ sequence: Int?, _ task: RunningTask, isNewest: Bool = true) {
            guard let sequence else { return }
            history.sightings.append(
                History.Sighting(
                    name: task.request.command, invoked: task.invoked, completed: step,
                    sequence: sequence, isNewest: isNewest))
        }

        /// The commit in the text of a change's number.
        private static func commit(_ text: String?) -> Int? {
            text.flatMap { $0.split(separator: ".").first }.flatMap { Int($0) }
        }
    }

    // MARK: Deaths

    extension Driver {
        /// Records that the process of a command was killed.
        func processEnded(_ slot: Int) throws {
            trace.add("\(slot) is dead")
            slots[slot].process = nil
            slots[slot].isOpen = false
            errors.closed(by: slot)
            guard let task = slots[slot].task else { return }
            slots[slot].task = nil
            guard case .command(let command) = task.kind else { return }
            if aloneSlot == slot { aloneSlot = nil }
            switch command.request.command {
            case .removeExpired:
                addSweep(task, task.request.now ?? slots[slot].now, count: nil)
            case .writes: addGroup(command.writes, task)
            default: addSchemaChange(task, .unknown)
            }
            for request in command.writes {
                let attempt = History.Attempt(
                    invoked: task.invoked, completed: step,
                    now: request.now ?? command.request.now ?? 0, outcome: .unknown)
                add(attempt, to: request, command, slot)
            }
        }
    }
#endif
