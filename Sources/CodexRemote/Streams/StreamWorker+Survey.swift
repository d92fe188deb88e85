#if Remote
    internal import CodexCore
    internal import Synchronization

    extension StreamWorker {
        /// Looks at the shards and the leases, and takes leases.
        ///
        /// - Parameter found: Gets the reader of each lease at once, also if the call throws later.
        /// - Throws: The errors of the service, and ``CodexError/Code/changesTrimmed`` for a gap.
        func survey(_ found: (ShardReader) -> Void) async throws {
            let gone = try await listIfDue()
            var survey = try await openShards()
            try await createRows(&survey)
            // Up to here, the row of a parent tells that its changes were done.
            for shardID in gone { try await leases.forget(shardID) }
            state.withLock { state in
                for (shardID, row) in survey.rows where row.isDone {
                    if survey.isListed(shardID) {
                        state.finished.insert(shardID)
                    } else if state.gone[shardID] == nil, !gone.contains(shardID) {
                        // It went while no worker ran. Its row is not needed much longer.
                        state.gone[shardID] = clock.elapsed
                    }
                }
            }
            let ready = try await readyShards(&survey)
            observe(ready, survey.rows)
            try await takeLeases(ready, survey.rows, found)
        }

        /// What a survey has read.
        private struct Survey {
            let shards: [String: StreamShard]
            /// The shards that are not done, in the order of their identifiers.
            var open: [StreamShard]
            var rows: [String: LeaseRow]
            let finished: Set<String>

            func isListed(_ shardID: String) -> Bool { shards[shardID] != nil }
        }

        // MARK: Shards

        /// The most pages of a listing, of which DynamoDB's have up to 100 shards.
        static let listedPageCountMax = 10_000

        /// Lists the shards of a stream.
        ///
        /// - Parameters:
        ///   - stream: The stream.
        ///   - pageCountMax: The most pages: a service could give pages without end.
        /// - Returns: The shards by their identifiers. Each takes some hundred bytes.
        /// - Throws: ``CodexError/Code/invalidResponse`` if there are more pages; the errors of the
        ///   service.
        static func list(
            _ stream: RemoteStream, pageCountMax: Int = listedPageCountMax
        ) async throws -> [String: StreamShard] {
            var shards: [String: StreamShard] = [:]
            var start: String?
            for _ in 0..<pageCountMax {
                let page = try await stream.shards(after: start)
                for shard in page.shards { shards[shard.id] = shard }
                guard let next = page.next, next != start else { return shards }
                start = next
            }
            throw CodexError(
                .invalidResponse,
                "The list of the stream's shards has no end after \(pageCountMax) pages. Look at "
                    + "the endpoint.")
        }

        /// Lists the shards if it is time to.
        ///
        /// - Returns: The shards that are done, and that the service has not listed for some time.
        private func listIfDue() async throws -> Set<String> {
            let now = clock.elapsed
            let isDue = state.withLock { state in
                guard let listedAt = state.listedAt, state.endedShards.isEmpty else { return true }
                return now - listedAt >= options.listingInterval
            }
            guard isDue else { return [] }
            let shards = try await Self.list(stream)
            let parents = Set(shards.values.compactMap(\.parent))
            return state.withLock { state in
                state.gone = state.gone.filter { shards[$0.key] == nil }
                for shardID in state.finished where shards[shardID] == nil {
                    state.gone[shardID] = now
                }
                // Workers with an older listing still look for the rows: without them, they would
                // read the shards again.
                let gone = state.gone.filter { now - $0.value >= options.listingInterval }.keys
                for shardID in gone { state.gone[shardID] = nil }
                state.shards = shards
                state.listedAt = now
                state.finished = state.finished.filter { shards[$0] != nil }
                state.suspects = state.suspects.filter { shardID in
                    shards[shardID]?.parent.map { shards[$0] == nil } ?? false
                }
                state.observations = state.observations.filter { shards[$0.key] != nil }
                // The end of a shard may be known before its children are.
                state.endedShards = state.endedShards.filter {
                    shards[$0] != nil && !parents.contains($0)
                }
                state.hasNews = false
                return Set(gone)
            }
        }

        private func openShards() async throws -> Survey {
            let (shards, finished, held) = state.withLock {
                ($0.shards, $0.finished, Set($0.held.keys))
            }
            let open = shards.values.filter { !finished.contains($0.id) }
                .sorted { ByteOrder.compare($0.id, $1.id) < 0 }
            var ids = Set(open.map(\.id))
            // The row of a parent that is gone tells whether its changes were done.
            for shard in open where !held.contains(shard.id) {
                if let parent = shard.parent, shards[parent] == nil { ids.insert(parent) }
            }
            let rows = try await leases.rows(of: ids.sorted())
            return Survey(shards: shards, open: open, rows: rows, finished: finished)
        }

        /// Creates the rows of new shards.
        private func createRows(_ survey: inout Survey) async throws {
            for shard in survey.open where survey.rows[shard.id] == nil {
                if let parent = shard.parent, survey.shards[parent] == nil,
                    survey.rows[parent] == nil
                {
                    guard isSecondLook(shard) else { continue }
                    try await options.report(
                        StreamGap(shardID: parent, after: nil, isWholeShard: true))
                }
                try await leases.create(shard.id, isInitial: false)
                survey.rows[shard.id] = LeaseRow()
                state.withLock { _ = $0.suspects.remove(shard.id) }
            }
        }

        /// Whether a shard's parent was missing at the last look too: a listing may lack it for a
        /// moment.
        private func isSecondLook(_ shard: StreamShard) -> Bool {
            state.withLock { state in
                let isFirst = state.suspects.insert(shard.id).inserted
                if isFirst { state.listedAt = nil }
                return !isFirst
            }
        }

        /// The shards whose changes may be read: those of their parents are done.
        private func readyShards(_ survey: inout Survey) async throws -> [StreamShard] {
            var ready: [StreamShard] = []
            for shard in survey.open {
                guard let row = survey.rows[shard.id], !row.isDone else { continue }
                guard let parent = shard.parent else {
                    ready.append(shard)
                    continue
                }
                let parentRow = survey.rows[parent]
                var isDone = survey.finished.contains(parent) || parentRow?.isDone == true
                if !isDone, !survey.isListed(parent) {
                    if let parentRow {
                        // The service removed it before all its changes were done.
                        guard isSecondLook(shard) else { continue }
                        try await options.report(
                            StreamGap(
                                shardID: parent, after: parentRow.position, isWholeShard: true))
                        guard try await leases.close(parent, parentRow) else { continue }
                        survey.rows[parent]?.isDone = true
                    }
                    isDone = true
                }
                if isDone { ready.append(shard) }
            }
            return ready
        }

        // MARK: Leases

        /// Notes which rows have changed.
        private func observe(_ shards: [StreamShard], _ rows: [String: LeaseRow]) {
            let now = clock.elapsed
            state.withLock { state in
                for shard in shards {
                    guard let row = rows[shard.id] else { continue }
                    let old = state.observations[shard.id]
                    if let old, old.fence == row.fence, old.beat == row.beat { continue }
                    state.observations[shard.id] = Observation(
                        fence: row.fence, beat: row.beat, since: now)
                }
            }
        }

        /// Takes free leases up to the worker's share, or asks for one.
        private func takeLeases(
            _ shards: [StreamShard], _ rows: [String: LeaseRow], _ found: (ShardReader) -> Void
        ) async throws {
            let now = clock.elapsed
            let (held, observations) = state.withLock { ($0.held, $0.observations) }
            var counts: [String: Int] = [id: 0]
            var free: [StreamShard] = []
            for shard in shards {
                guard let row = rows[shard.id] else { continue }
                if held[shard.id] != nil {
                    counts[id, default: 0] += 1
                    continue
                }
                let since = observations[shard.id]?.since ?? now
                // A lease of its own that it does not know is from a request without an answer.
                if let owner = row.owner, owner != id, now - since < options.leaseDuration {
                    counts[owner, default: 0] += 1
                } else {
                    free.append(shard)
                }
            }
            let share = (shards.count + counts.count - 1) / counts.count
            var count = counts[id] ?? 0
            for shard in rotated(free) where count < share {
                guard let row = rows[shard.id],
                    let lease = try await leases.take(shard, row, by: id)
                else { continue }
                state.withLock { $0.held[shard.id] = lease }
                count += 1
                found(reader(lease))
            }
            guard free.isEmpty, count < share else { return }
            let others = counts.filter { $0.key != id && $0.value >= count + 2 }
            guard let owner = others.max(by: { $0.value < $1.value })?.key else { return }
            let candidates = shards.filter { rows[$0.id]?.owner == owner }
            // One at a time: the next survey sees what came of it.
            guard !candidates.contains(where: { rows[$0.id]?.wanted == id }),
                let shard = candidates.first(where: { rows[$0.id]?.wanted == nil }),
                let row = rows[shard.id]
            else { return }
            try await leases.ask(for: shard.id, row, by: id)
        }

        /// The shards from a random one on, so that workers do not all try the same ones.
        private func rotated(_ shards: [StreamShard]) -> [StreamShard] {
            guard !shards.isEmpty else { return [] }
            let random = leases.table.client.parts.random()
            let start = min(shards.count - 1, Int(random * Double(shards.count)))
            return Array(shards[start...] + shards[..<start])
        }

        private func reader(_ lease: HeldLease) -> ShardReader {
            ShardReader(stream, leases, lease, registration, handler, options, schema)
        }
    }
#endif
