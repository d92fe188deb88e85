#if os(Linux)
    internal import Foundation

    // MARK: What a process does next

    extension Driver {
        /// Lets a process that does nothing begin what comes next.
        func start(_ slot: Int) throws {
            let isForAnother = aloneSlot != nil && aloneSlot != slot
            if mustCloseAll || (isForAnother && slots[slot].isOpen) {
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
                if isForAnother { statistics.openingInCompactionCount += 1 }
                return try begin(slot, .opening(number), openRequest(command.request.now))
            }
            slots[slot].queue.removeFirst()
            guard let request = resolved(command, slot) else {
                statistics.skippedCommandCount += 1
                return
            }
            for write in command.writes { addWrite(write, slot) }
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
                if let archived, archived.sequence >= backup.sequence {
                    request.archive = archived.name
                    // Some restore a commit in between.
                    if command.id % 2 == 0 {
                        request.sequence = (backup.sequence + archived.sequence) / 2
                    }
                }
            case .follow:
                guard let backup = backups.last else { return nil }
                request.from = backup.name
                request.path = followerName(slot)
            case .changes: request.start = reading.end
            case .heldRead: if slots[slot].held == nil { request.command = .hold }
            case .observed: if slots[slot].observation == nil { request.command = .observe }
            default: break
            }
            return request
        }

        /// The follower of a process: two would make it at the same time.
        func followerName(_ slot: Int) -> String { "follower-\(slot)" }

        private func begin(
            _ slot: Int, _ kind: RunningTask.Kind, _ request: Request
        ) throws {
            if slots[slot].process == nil { try startProcess(slot) }
            countToClose()
            if let now = request.now { slots[slot].now = now }
            slots[slot].task = RunningTask(
                kind: kind, request: request, invoked: step,
                sequenceMin: request.command == .restore ? leastRestored(request) : 0,
                acknowledgedCount: statistics.acknowledgedCount)
            let line = try request.line(in: diskPath)
            trace.add("\(slot) begins \(request.command) \(Self.digest(kind, request))")
            slots[slot].process?.send(line)
            try run(slot, .go)
        }

        /// Counts a command that begins after a failure.
        private func countToClose() {
            guard let count = commandsToClose, count > 0 else { return }
            commandsToClose = count - 1
            if count == 1 { mustCloseAll = true }
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
            (slots[slot].held, slots[slot].observation) = (nil, nil)
            guard case .stopped = process.run(.go), process.pendingCall.kind == .idle else {
                throw Finding(.crash, "a process does not start", process.messages)
            }
        }

        /// The commit that a restored store must have at least.
        func leastRestored(_ request: Request) -> Int {
            let sequence = backups.first { $0.name == request.from }?.sequence ?? 0
            guard request.archive != nil, let archived else { return sequence }
            // An archive with a gap may not continue the backup.
            if errors.mayBeTrimmed {
                statistics.weakRestoreCount += 1
                return sequence
            }
            return request.sequence ?? max(sequence, archived.sequence)
        }

        private func addWrite(_ request: Request, _ slot: Int) {
            guard let op = request.op, history.writes[op] == nil else { return }
            history.writes[op] = History.Write(
                op: op, process: request.process ?? slot, actions: request.actions ?? [],
                isList: request.token != nil)
        }
    }
#endif
