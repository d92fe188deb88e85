#if os(Linux)
    internal import Foundation

    // MARK: Backups, restored stores and followers

    extension Driver {
        /// Records a backup, or the end of the archive.
        ///
        /// - Throws: ``Finding`` if the archive has a gap.
        func recordSaved(_ results: Answer.Results, _ task: RunningTask) throws {
            see(results.sequence, task)
            let request = task.request
            if let name = request.to, let sequence = results.sequence {
                let state = SavedState(name: name, sequence: sequence, steps: task.invoked...step)
                if request.command == .backup {
                    backups.append(state)
                } else {
                    archived = state
                }
            }
            if results.hasGap == true, !errors.mayBeTrimmed {
                throw Finding(.copies, "the archive has a gap")
            }
        }

        /// Records what a restored store or a follower has.
        func recordCopy(_ results: Answer.Results, _ task: RunningTask, _ now: Int) {
            if task.request.command == .follow { see(results.leaderSequence, task) }
            recordCopy(
                results, task.request, since: task.invoked, sequenceMin: task.sequenceMin, now)
        }

        private func recordCopy(
            _ results: Answer.Results, _ request: Request, since invoked: Int, sequenceMin: Int,
            _ now: Int
        ) {
            guard var scan = results.scan else { return }
            // A copy may have commits of its own since, which build an index.
            scan.sequence = results.sequence ?? scan.sequence
            let isRestore = request.command == .restore
            let name = isRestore ? "a restored store" : "a follower"
            var copy = History.Look(
                name: name, invoked: invoked, completed: step, now: now, scan: scan)
            copy.verification = results.verify
            copy.sequenceMin = isRestore ? sequenceMin : results.leaderSequence ?? 0
            copy.sequenceMax = request.sequence ?? .max
            copy.stream = results.copiedStream
            copy.isBuilt = true
            copy.newestSteps =
                isRestore
                ? (backups + [archived].compactMap { $0 })
                    .first { $0.sequence == scan.sequence }?.steps
                : invoked...step
            // A follower may have been made from an earlier backup. That begins no later.
            if !errors.mayTrimCopies, let base = backups.first(where: { $0.name == request.from }) {
                copy.streamAfterMax = base.sequence
            }
            history.copies.append(copy)
        }
    }

    // MARK: The end

    extension Driver {
        /// Makes a store from the last backup, and reads it.
        func restoreLast(_ now: Int) throws {
            guard let backup = backups.last else { return }
            var request = Request(.restore)
            (request.now, request.from, request.to) = (now, backup.name, "restored-end")
            if let archived, archived.sequence >= backup.sequence {
                // One with a gap may not continue the backup.
                if errors.mayBeTrimmed {
                    statistics.weakRestoreCount += 1
                } else {
                    request.archive = archived.name
                }
            }
            let sequenceMin = leastRestored(request)
            let results = try perform(request)
            recordCopy(results, request, since: step, sequenceMin: sequenceMin, now)
        }

        /// Brings each follower up to date, and reads it.
        ///
        /// If the store gave up history, a follower may not go on.
        func followLast(_ now: Int) throws {
            guard let backup = backups.last, !errors.mayBeTrimmed else { return }
            for slot in slots.indices {
                let name = followerName(slot)
                guard FileManager.default.fileExists(atPath: "\(diskPath)/\(name)") else {
                    continue
                }
                var request = Request(.follow)
                (request.now, request.from, request.path) = (now, backup.name, name)
                let results = try perform(request)
                recordCopy(results, request, since: step, sequenceMin: 0, now)
            }
        }
    }
#endif
