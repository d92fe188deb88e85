#if os(Linux)
    internal import Foundation

    // MARK: What a process does next

    extension Driver {
        /// Lets a process that does nothing begin what comes next.
        func start(_ slot: Int) throws {
            if mustCloseAll || (aloneSlot != nil && aloneSlot != slot) {
                return try begin(slot, .closing(nil), Request(.close))
            }
            guard let command = slots[slot].queue.first else { return }
            if command.isAlone, aloneSlot == nil {
                aloneSlot = slot
                return
            }
            if command.request.command == .close {
                slots[slot].queue.removeFirst()
                if slots[slot].isOpen { try begin(slot, .closing(command.id), command.request) }
                return
            }
            guard slots[slot].isOpen else {
                let number = slots[slot].openingCount
                slots[slot].openingCount += 1
                return try begin(slot, .opening(number), openRequest(command.request.now))
            }
            slots[slot].queue.removeFirst()
            guard let request = resolved(command, slot) else { return }
            if request.command == .write { addWrite(command, slot) }
            try begin(slot, .command(command), request)
        }

        /// The command that opens the store.
        func openRequest(_ now: Int?) -> Request {
            var request = Request(.open)
            request.now = now
            request.path = "store"
            request.plant = program.planted
            return request
        }

        /// A command with what is only known now; `nil` if it cannot be done yet.
        private func resolved(_ command: Command, _ slot: Int) -> Request? {
            var request = command.request
            switch request.command {
            case .restore:
                guard let backup = backups.last else { return nil }
                request.from = backup.name
                if let archivedSequence, archivedSequence >= backup.sequence {
                    request.archive = "archive"
                }
            case .follow:
                guard let backup = backups.last else { return nil }
                request.from = backup.name
                // One for each process: two would make it at the same time.
                request.path = "follower-\(slot)"
            case .changes: request.after = readSequence
            default: break
            }
            return request
        }

        private func begin(
            _ slot: Int, _ kind: RunningTask.Kind, _ request: Request
        ) throws {
            if slots[slot].process == nil { try startProcess(slot) }
            if let now = request.now { slots[slot].now = now }
            slots[slot].task = RunningTask(kind: kind, request: request, invoked: step)
            let line = try request.line(in: diskPath)
            trace.add("\(slot) begins \(request.command) \(Self.digest(kind, request))")
            slots[slot].process?.send(line)
            try run(slot, .go)
        }

        /// What tells a command from others, without the directory.
        private static func digest(_ kind: RunningTask.Kind, _ request: Request) -> String {
            let line = (try? request.line(in: "")) ?? ""
            let digest = String(Trace.hash(line), radix: 16)
            if case .command(let command) = kind { return "#\(command.id) \(digest)" }
            return digest
        }

        private func startProcess(_ slot: Int) throws {
            let number = slots[slot].startCount
            slots[slot].startCount += 1
            // Of its own, so that its random numbers are not those of the process before.
            let seed = program.seed &+ UInt64(slot * 1000 + number + 1)
            let process = try SimulatedProcess(
                executable, number: slot, seed: seed,
                controlPath: "\(directory)/control-\(slot)-\(number)", journalPath: journalPath)
            slots[slot].process = process
            guard case .stopped = process.run(.go), process.pendingCall.kind == .idle else {
                throw Finding(.crash, "a process does not start", process.messages)
            }
        }

        private func addWrite(_ command: Command, _ slot: Int) {
            let request = command.request
            guard let op = request.op, history.writes[op] == nil else { return }
            history.writes[op] = History.Write(
                op: op, process: request.process ?? slot, actions: request.actions ?? [],
                isList: request.token != nil)
        }
    }

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
            // Messages name paths and numbers that differ from run to run.
            let text = answer.error.map { "error \($0)" } ?? String(Trace.hash(line), radix: 16)
            trace.add("\(slot) answers \(text)")
            if let code = answer.error { try require(code, answer, task, slot) }
            switch task.kind {
            case .opening: try finishOpening(slot, task, answer)
            case .closing: finishClosing(slot, answer)
            case .command(let command):
                if aloneSlot == slot { aloneSlot = nil }
                if command.request.command == .write {
                    finishWrite(slot, task, command, answer)
                } else if let results = answer.ok {
                    try record(results, task, slot)
                }
            }
        }

        /// Codes that a call which fails may lead to, at once or until the store is opened again.
        private static let faultCodes: Set<String> = [
            "outcomeUnknown", "writesRefused", "diskFull", "inputOutput", "limitReached",
            "commitFailed", "outOfMemory", "storeFull", "notWritable", "closed",
        ]
        /// Codes after which the store goes on.
        private static let harmlessCodes: Set<String> = ["diskFull", "limitReached"]
        /// Codes of readers of the log whose history was given up.
        private static let trimmedCodes: Set<String> = [
            "changesTrimmed", "recordsMissing", "notCovered",
        ]

        /// Throws unless an error has a reason.
        private func require(
            _ code: String, _ answer: Answer, _ task: RunningTask, _ slot: Int
        ) throws {
            let command = task.request.command
            switch code {
            case "conditionFailed", "uniqueViolation", "transactionCancelled":
                if command == .write { return }
            case "consumerMoved": if command == .consume { return }
            case "schemaMismatch", "unknownIndex", "indexNotReady":
                if command == .addIndex || command == .removeIndex { return }
            default: break
            }
            if mayBeTrimmed, Self.trimmedCodes.contains(code) { return }
            let isFaulted = task.isFaulted || lastFaultStep > lastCleanOpening
            if isFaulted, Self.faultCodes.contains(code) {
                if !Self.harmlessCodes.contains(code) { mustCloseAll = true }
                return
            }
            throw Finding(
                .code, "\(command) fails with \(code)",
                "process \(slot), step \(step): \(answer.message ?? "")")
        }

        private func finishOpening(
            _ slot: Int, _ task: RunningTask, _ answer: Answer
        ) throws {
            guard let results = answer.ok else {
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
            if results.recovered == true, !task.isFaulted { lastCleanOpening = step }
        }

        private func finishClosing(_ slot: Int, _ answer: Answer) {
            slots[slot].isOpen = false
            if answer.error != nil { endProcess(slot) }
        }

        /// Ends a process that does nothing.
        func endProcess(_ slot: Int) {
            slots[slot].process?.kill()
            slots[slot].process = nil
            slots[slot].isOpen = false
        }

        // MARK: Writes

        private func finishWrite(
            _ slot: Int, _ task: RunningTask, _ command: Command, _ answer: Answer
        ) {
            guard let op = command.request.op else { return }
            let outcome = outcome(of: answer)
            history.writes[op]?.attempts.append(
                History.Attempt(
                    invoked: task.invoked, completed: step, now: command.request.now ?? 0,
                    outcome: outcome))
            switch outcome {
            case .acknowledged: statistics.acknowledgedCount += 1
            case .refused: statistics.refusedCount += 1
            case .unknown:
                statistics.unknownCount += 1
                sendAgain(command, slot)
            case .failed: sendAgain(command, slot)
            }
        }

        private func outcome(of answer: Answer) -> History.Outcome {
            guard let code = answer.error else { return .acknowledged }
            switch code {
            case "outcomeUnknown": return .unknown
            case "conditionFailed":
                return .refused(History.Refusal(conditionFailed: [answer.action ?? -1]))
            case "uniqueViolation": return .refused(History.Refusal(isUniqueViolation: true))
            case "transactionCancelled":
                let reasons = answer.reasons ?? []
                return .refused(
                    History.Refusal(
                        conditionFailed: reasons.indices.filter {
                            reasons[$0] == "conditionFailed"
                        },
                        isUniqueViolation: reasons.contains("uniqueViolation")))
            default: return .failed(code: code)
            }
        }

        /// Sends a write with a token once more, from the same process or from the next.
        private func sendAgain(_ command: Command, _ slot: Int) {
            guard let op = command.request.op, let token = command.request.token, !token.isEmpty,
                let write = history.writes[op], write.attempts.count < Self.writeAttemptMax
            else { return }
            let other = op % 3 == 0 ? (slot + 1) % slots.count : slot
            var again = command
            again.process = other
            again.request.process = write.process
            // A clock that goes back would be a jump.
            again.request.now = max(command.request.now ?? 0, slots[other].now)
            slots[other].queue.insert(again, at: 0)
        }

        // MARK: Other commands

        private func record(
            _ results: Answer.Results, _ task: RunningTask, _ slot: Int
        ) throws {
            let request = task.request
            let now = request.now ?? slots[slot].now
            func look(_ name: String, _ scan: Scan, _ sequenceMin: Int) -> History.Look {
                var scan = scan
                // A copy may have commits of its own since, which build an index.
                scan.sequence = results.sequence ?? scan.sequence
                return History.Look(
                    name: name, invoked: task.invoked, completed: step, now: now, scan: scan,
                    verification: results.verify, sequenceMin: sequenceMin)
            }
            switch request.command {
            case .read:
                history.reads.append(
                    History.Read(
                        invoked: task.invoked, completed: step, now: now, request: request,
                        results: results))
            case .scan:
                if let scan = results.scan { history.scans.append(look("a scan", scan, 0)) }
            case .verify:
                if let verification = results.verify { history.verifications.append(verification) }
            case .backup:
                if let name = request.to, let sequence = results.sequence {
                    backups.append((name, sequence))
                }
            case .archive:
                archivedSequence = results.sequence
                if results.hasGap == true, !mayBeTrimmed {
                    throw Finding(.copies, "the archive has a gap")
                }
            case .restore:
                if let scan = results.scan {
                    let sequence = backups.first { $0.name == request.from }?.sequence ?? 0
                    history.copies.append(look("a restored store", scan, sequence))
                }
            case .follow:
                if let scan = results.scan {
                    let sequence = results.leaderSequence ?? 0
                    history.copies.append(look("a follower", scan, sequence))
                }
            case .changes:
                let last = results.last ?? readSequence
                history.parts.append(
                    History.StreamPart(
                        after: request.after ?? 0, last: last, commits: results.changes ?? []))
                readSequence = max(readSequence, last)
            default: break
            }
        }

        // MARK: Deaths

        /// Records that the process of a command was killed.
        func processEnded(_ slot: Int) throws {
            trace.add("\(slot) is dead")
            slots[slot].process = nil
            slots[slot].isOpen = false
            guard let task = slots[slot].task else { return }
            slots[slot].task = nil
            guard case .command(let command) = task.kind else { return }
            if aloneSlot == slot { aloneSlot = nil }
            guard command.request.command == .write, let op = command.request.op else { return }
            statistics.unknownCount += 1
            history.writes[op]?.attempts.append(
                History.Attempt(
                    invoked: task.invoked, completed: .max, now: command.request.now ?? 0,
                    outcome: .unknown))
            sendAgain(command, slot)
        }
    }
#endif
