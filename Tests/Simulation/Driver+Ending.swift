#if os(Linux)
    internal import Foundation

    // MARK: Power cuts

    extension Driver {
        /// Kills all processes, and goes on with a disk as a power cut may leave it.
        func cutPower() throws {
            statistics.powerCutCount += 1
            trace.add("the power is cut")
            try killAll()
            try disk.read(journal: journalPath)
            guard disk.foreignCount == 0 else {
                throw Finding(
                    .code, "the journal names files that are not on the disk",
                    "\(disk.foreignCount) records")
            }
            let rebuilt = diskPath + "-rebuilt"
            let losses = try disk.write(to: rebuilt, after: .byChance, &diskChance)
            trace.add(
                "lost \(losses.droppedCount) changes and \(losses.nameCount) names, "
                    + "tore \(losses.tornCount)")
            try FileManager.default.removeItem(atPath: diskPath)
            try FileManager.default.moveItem(atPath: rebuilt, toPath: diskPath)
            // All that is there is on the disk.
            try? FileManager.default.removeItem(atPath: journalPath)
            journalCount += 1
            try startJournal()
            disk = try SimulatedDisk(of: diskPath)
            trace.forgetFiles()
        }

        /// Makes an empty journal.
        func startJournal() throws {
            try Data().write(to: URL(fileURLWithPath: journalPath))
        }

        private func killAll() throws {
            for slot in slots.indices {
                slots[slot].process?.kill()
                slots[slot].pausedUntil = 0
                try processEnded(slot)
            }
            (mustCloseAll, commandsToClose, aloneSlot) = (false, nil, nil)
            endFailedFlushes()
        }
    }

    // MARK: The end

    extension Driver {
        /// Ends the history: one process opens the store without faults, and reads all of it.
        func end() throws {
            unspentFaults = program.faults.filter { faults[$0.target]?.contains($0) == true }
            faults = [:]
            if program.endsWithPowerCut { try cutPower() } else { try killAll() }
            let now = (slots.map { $0.now }.max() ?? ProgramGenerator.start) + 1
            slots[0].now = now
            _ = try perform(openRequest(now))
            try writeLast(now)
            try finishBuilds()
            try readStore(now)
            try readStream()
            try readNumbers()
            try restoreLast(now)
            try followLast(now)
            _ = try perform(Request(.close))
            slots[0].process?.kill()
            trace.add("the end at \(history.lastSequence)")
        }

        /// Performs a command that must succeed, without other processes.
        func perform(_ request: Request) throws -> Answer.Results {
            var request = request
            request.now = request.now ?? slots[0].now
            let line = try endAnswer(request)
            guard let answer = try? Answer(line: line) else {
                throw Finding(.code, "an answer cannot be read", String(line.prefix(500)))
            }
            guard let results = answer.ok else {
                let code = answer.error ?? "nothing"
                throw Finding(
                    .code, "\(request.command) fails with \(code) at the end",
                    answer.message ?? "")
            }
            return results
        }

        /// Sends a command, lets all of its calls succeed, and gives the answer.
        private func endAnswer(_ request: Request) throws -> String {
            step += 1
            let process = try endingProcess()
            process.send(try request.line(in: diskPath))
            for _ in 0..<1_000_000 {
                switch process.run(.go) {
                case .stopped: break
                case .ended:
                    let signal = process.reap().map { "by signal \($0)" } ?? "by itself"
                    throw Finding(
                        .crash, "a process ended \(signal) in \(request.command)",
                        String(process.messages.prefix(2000)))
                case .hangs:
                    throw Finding(.hang, "a process makes no call in \(request.command)")
                }
                if process.pendingCall.kind == .idle {
                    guard let line = process.answer() else { break }
                    return line
                }
            }
            throw Finding(.hang, "\(request.command) has no end", process.messages)
        }

        /// The process that reads all at the end.
        private func endingProcess() throws -> SimulatedProcess {
            if let process = slots[0].process { return process }
            let process = try SimulatedProcess(
                executable, number: 0, seed: program.seed &- 1,
                controlPath: "\(directory)/control-end", journalPath: journalPath)
            guard case .stopped = process.run(.go) else {
                throw Finding(.crash, "a process does not start", process.messages)
            }
            slots[0].process = process
            return process
        }

        /// Makes a write: after all that has happened, the store must take it.
        private func writeLast(_ now: Int) throws {
            var request = Request(.write)
            (request.now, request.op, request.actions) = (now, Self.lastOp, [])
            var write = History.Write(op: Self.lastOp, process: 0, actions: [], isList: false)
            step += 1
            let invoked = step
            _ = try perform(request)
            write.attempts.append(
                History.Attempt(
                    invoked: invoked, completed: step, now: now, outcome: .acknowledged))
            history.writes[Self.lastOp] = write
        }

        /// A number that no write of a program has.
        private static let lastOp = 1_000_000

        /// Builds and empties what the history has begun.
        private func finishBuilds() throws {
            for _ in 0..<Self.buildStepCountMax {
                if try perform(Request(.buildStep)).state == "done" { return }
            }
            throw Finding(.hang, "the builds have no end")
        }

        private static let buildStepCountMax = 1000

        private func readStore(_ now: Int) throws {
            var request = Request(.scan)
            request.now = now
            if let scan = try perform(request).scan {
                history.scans.append(
                    History.Look(
                        name: "the store", invoked: step, completed: .max, now: now, scan: scan,
                        isBuilt: true))
            }
            if let verification = try perform(Request(.verify)).verify {
                history.verifications.append(verification)
            }
        }

        /// Reads the whole stream, or, if its beginning is gone, all that was read of it.
        private func readStream() throws {
            var request = Request(.changes)
            request.limit = 2000
            request.after = 0
            if errors.mayBeTrimmed, let trimmed = try perform(Request(.sequence)).trimmed,
                trimmed > 0
            {
                var end = 0
                for part in history.parts where part.last > end && part.after <= end {
                    history.stream += part.commits.filter { $0.sequence > end }
                    end = part.last
                }
                history.isWhole = trimmed <= end
                history.isTrimmed = true
                if !history.isWhole { history.knownFrom = trimmed }
                request.after = max(trimmed, end)
            }
            var reading = StreamReading()
            while true {
                let results = try perform(request)
                let last = results.streamEnd ?? request.start
                history.stream +=
                    reading.add(after: request.start, to: last, results.changes ?? []).commits
                guard results.end != true, last > request.start else { break }
                request.start = last
            }
            if !history.isWhole { statistics.trimmedCount = 1 }
        }

        private func readNumbers() throws {
            history.segments = try perform(Request(.commitNumbers)).segments ?? []
            history.lastSequence = try perform(Request(.sequence)).sequence ?? 0
        }
    }
#endif
