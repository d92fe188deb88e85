#if os(Linux)
    internal import Foundation

    /// Runs one history: starts its processes, lets one of them run at a time, and records what
    /// they answer.
    ///
    /// All that it decides follows from the program and its seed.
    final class Driver {
        let program: Program
        let executable: String
        /// The directory of the history: control blocks, the journal, and the disk.
        let directory: String
        var trace: Trace
        var history = History()
        var statistics = Statistics()
        var slots: [Slot]
        /// The faults that have not happened, by what they are aimed at.
        var faults: [Fault.Target: [Fault]]
        /// The faults that had not happened when the last command was answered.
        var unspentFaults: [Fault] = []
        var schedule: SeededStream
        var diskChance: SeededStream
        var graceChance: SeededStream
        /// The disk as it was when the journal began.
        var disk: SimulatedDisk
        /// How many journals there were before this one.
        var journalCount = 0
        /// The step that the history is at.
        var step = 0
        /// How many calls were decided that do more than wait.
        var callCount = 0
        /// How many steps were none of a process that only looks whether it must still wait.
        ///
        /// How often a process looks may depend on real time. So the schedule counts these steps.
        private var progress = 0
        /// Which errors the failed calls explain.
        var errors = ExplainedErrors()
        /// Whether all processes must close the store before it is opened again.
        var mustCloseAll = false
        /// How many commands may begin before that; `nil` is no bound.
        var commandsToClose: Int?
        /// The process that waits to have the store alone, or has it.
        var aloneSlot: Int?
        /// How many turns in a row only waited.
        var waitingTurnCount = 0
        /// When the first of them was, in real time.
        var waitingStart = ContinuousClock.now
        /// The backups that were made.
        var backups: [SavedState] = []
        /// The end of the archive.
        var archived: SavedState?
        /// The reading of the stream by all processes.
        var reading = StreamReading()

        private static let callCountMax = 400_000
        private static let waitingTurnCountMax = 20_000
        private static let waitingTimeMax = Duration.seconds(300)
        static let openingAttemptMax = 12
        static let writeAttemptMax = 3

        /// The directory that the processes see, and that a power cut damages.
        var diskPath: String { directory + "/disk" }
        var journalPath: String { directory + "/journal-\(journalCount)" }

        /// Prepares a history.
        ///
        /// - Parameters:
        ///   - program: What is done.
        ///   - executable: The path of `codex-simulated`.
        ///   - directory: A new directory.
        ///   - keepsLines: Whether the trace keeps its lines.
        /// - Throws: What making the directory throws.
        init(
            _ program: Program, executable: String, directory: String, keepingLines keepsLines: Bool
        ) throws {
            signal(SIGPIPE, SIG_IGN)
            self.program = program
            self.executable = executable
            self.directory = directory
            trace = Trace(keepingLines: keepsLines)
            schedule = SeededStream(seed: program.seed, .schedule)
            diskChance = SeededStream(seed: program.seed, .disk)
            graceChance = SeededStream(seed: program.seed, .grace)
            slots = (0..<program.processCount).map { number in
                Slot(number: number, queue: program.commands.filter { $0.process == number })
            }
            faults = Dictionary(grouping: program.faults) { $0.target }
                .mapValues { $0.sorted { $0.call < $1.call } }
            try FileManager.default.createDirectory(
                atPath: directory + "/disk", withIntermediateDirectories: true)
            disk = try SimulatedDisk(of: directory + "/disk")
            try startJournal()
        }

        /// Runs the history to its end.
        ///
        /// - Throws: ``Finding`` if it cannot go on, and what the driver's own files throw.
        func run() throws {
            statistics.historyCount = 1
            defer {
                statistics.stepCount = step
                for slot in slots { slot.process?.kill() }
            }
            while let slot = nextSlot() {
                step += 1
                if slots[slot].task?.pending.kind.isWaiting != true { progress += 1 }
                if slots[slot].task == nil { try start(slot) } else { try advance(slot) }
            }
            try end()
        }

        // MARK: The schedule

        /// The process that runs next; `nil` if all is done.
        private func nextSlot() -> Int? {
            settleBarriers()
            var ready: [Int] = []
            var waiting: [Int] = []
            for slot in slots.indices {
                if let task = slots[slot].task {
                    guard slots[slot].pausedUntil <= progress else { continue }
                    if task.pending.kind.isWaiting {
                        // It waits for another process, which has to do something first.
                        waiting.append(slot)
                        if slots[slot].lookedAt < progress { ready.append(slot) }
                    } else {
                        ready.append(slot)
                    }
                } else if hasWork(slot) {
                    ready.append(slot)
                }
            }
            if ready.isEmpty, slots.contains(where: { $0.pausedUntil > progress }) {
                // All others wait for those that pause, or have nothing to do: time passes.
                for slot in slots.indices { slots[slot].pausedUntil = 0 }
                return nextSlot()
            }
            // All wait for something that takes real time: one after the other, by no choice.
            if ready.isEmpty { return waiting.min { slots[$0].lookCount < slots[$1].lookCount } }
            return schedule.pick(ready)
        }

        private func settleBarriers() {
            let isAllClosed = slots.allSatisfy { !$0.isOpen && $0.task == nil }
            if isAllClosed { (mustCloseAll, commandsToClose) = (false, nil) }
            // One that closes may have released the store before its answer.
            if slots.allSatisfy({ !$0.isOpen || $0.task?.isClosing == true }) {
                endFailedFlushes()
            }
        }

        /// Records that no process has the store open since a flush failed.
        func endFailedFlushes() {
            for place in history.failedFlushes.indices
            where history.failedFlushes[place].closed == .max {
                history.failedFlushes[place].closed = step
            }
        }

        /// Whether a process that does nothing can do something.
        private func hasWork(_ slot: Int) -> Bool {
            if mustCloseAll { return slots[slot].isOpen }
            guard let aloneSlot else { return !slots[slot].queue.isEmpty }
            if aloneSlot == slot {
                return slots.allSatisfy { $0.number == slot || (!$0.isOpen && $0.task == nil) }
            }
            if admitsOpenings { return !slots[slot].isOpen && !slots[slot].queue.isEmpty }
            return slots[slot].isOpen
        }

        /// Whether other processes may begin to open the store, although one has it alone.
        ///
        /// Its command has made a call by then, so it has the gate, and openings wait for it. An
        /// opening before that could be there first.
        private var admitsOpenings: Bool {
            guard let aloneSlot, let task = slots[aloneSlot].task,
                case .command(let command) = task.kind
            else { return false }
            return command.admitsOpenings == true && task.callCount > 0
        }

        // MARK: Turns

        /// Lets a process make the call that it is about to make, or not.
        private func advance(_ slot: Int) throws {
            guard let task = slots[slot].task else { return }
            let call = task.pending
            if call.kind.isWaiting {
                return try lookAgain(slot, task)
            }
            waitingTurnCount = 0
            callCount += 1
            guard callCount < Self.callCountMax else {
                throw Finding(.hang, "the history has no end")
            }
            var decision = Decision.go
            if let fault = takeFault(task, slot) {
                switch fault.kind {
                case .pause:
                    statistics.pauseCount += 1
                    slots[slot].pausedUntil = progress + (fault.amount ?? 50)
                    return trace.add("\(slot) pause")
                case .powerCut: return try cutPower()
                case .die:
                    statistics.killCount += 1
                    decision = .die
                case .fail:
                    let error = fault.error ?? EIO
                    statistics.failedCallCount += 1
                    errors.callFailed(
                        call.kind, with: error, in: slot, isOfStore: isOfStore(call, task))
                    decision = .fail(error)
                case .shorten:
                    statistics.shortWriteCount += 1
                    errors.callFailed(
                        call.kind, with: 0, in: slot, isOfStore: isOfStore(call, task))
                    let share = UInt64(min(999, max(0, fault.amount ?? 500)))
                    decision = .shorten(byteCount: max(1, call.byteCount * share / 1000))
                }
                if fault.kind == .fail || fault.kind == .shorten {
                    slots[slot].task?.faultCount += 1
                }
                if fault.kind == .fail, call.kind == .flush {
                    slots[slot].task?.hasFailedFlush = true
                }
            }
            slots[slot].task?.callCount += 1
            let line = "\(slot) \(text(call)) \(text(decision))"
            trace.add(line)
            try run(slot, decision)
        }

        /// Lets a process look again at what it waits for.
        private func lookAgain(_ slot: Int, _ task: RunningTask) throws {
            if waitingTurnCount == 0 { waitingStart = .now }
            waitingTurnCount += 1
            // Some pauses take real time.
            if waitingTurnCount >= Self.waitingTurnCountMax,
                waitingStart.duration(to: .now) > Self.waitingTimeMax
            {
                throw Finding(.hang, "all processes wait", "\(task.request.command)")
            }
            slots[slot].lookCount += 1
            try run(slot, .go)
        }

        /// The fault that meets a call, which then has happened.
        private func takeFault(_ task: RunningTask, _ slot: Int) -> Fault? {
            guard let target = task.target(of: slot), let waiting = faults[target],
                let place = waiting.firstIndex(where: {
                    $0.call <= task.callCount && $0.isPossible(at: task.pending.kind)
                })
            else { return nil }
            return faults[target]?.remove(at: place)
        }

        /// Lets a process run to its next scheduling point, and looks at what it is.
        func run(_ slot: Int, _ decision: Decision) throws {
            guard let process = slots[slot].process else { return }
            let end = process.run(decision)
            if case .die = decision {
                guard case .ended = end else {
                    throw Finding(.hang, "a process does not die")
                }
                process.reap()
                return try processEnded(slot)
            }
            switch end {
            case .stopped:
                let call = process.pendingCall
                slots[slot].task?.pending = call
                if call.kind.isWaiting { slots[slot].lookedAt = progress }
                if call.kind == .step, slots[slot].task?.firstPartStep == nil {
                    slots[slot].task?.firstPartStep = step
                }
                guard call.kind == .idle else { return }
                guard let line = process.answer() else {
                    throw Finding(.crash, "a process gives no answer", process.messages)
                }
                try finish(slot, line)
            case .ended:
                let signal = process.reap()
                let how = signal.map { "by signal \($0)" } ?? "by itself"
                let name = slots[slot].task.map { $0.request.command.rawValue } ?? "its start"
                throw Finding(
                    .crash, "a process ended \(how) in \(name)",
                    String(process.messages.prefix(2000)))
            case .hangs:
                let name = slots[slot].task.map { $0.request.command.rawValue } ?? "its start"
                throw Finding(.hang, "a process makes no call in \(name)", process.messages)
            }
        }

        private func text(_ call: PendingCall) -> String {
            let file = trace.number(of: call.file)
            var text = "\(call.kind) \(file) \(call.offset) \(call.byteCount)"
            for name in [call.name, call.otherName] where !name.isEmpty {
                text += " \(plain(name))"
            }
            return text
        }

        /// A name without the numbers of processes, which differ from run to run.
        private func plain(_ name: String) -> String {
            name.split(separator: ".", omittingEmptySubsequences: false)
                .map { $0.contains("-") ? "#" : String($0) }.joined(separator: ".")
        }

        private func text(_ decision: Decision) -> String {
            switch decision {
            case .go: "go"
            case .fail(let error): "fail \(error)"
            case .shorten(let byteCount): "shorten \(byteCount)"
            case .die: "die"
            }
        }
    }
#endif
