#if Remote
    internal import CodexCore

    extension StreamWorker {
        /// The number of leases that are renewed at once.
        private static let renewalCountMax = 16

        /// Works until the task is cancelled, or until an error that does not pass.
        ///
        /// At the end, it gives its leases back.
        ///
        /// - Throws: `CancellationError`, the errors of the service and of the body.
        func run() async throws {
            let (readers, feed) = AsyncStream<ShardReader>.makeStream()
            do {
                try await withThrowingDiscardingTaskGroup { group in
                    group.addTask { try await self.ending(feed) { try await self.surveys(feed) } }
                    group.addTask { try await self.ending(feed) { try await self.renewals() } }
                    for await reader in readers {
                        group.addTask {
                            try await self.ending(feed) { try await self.follow(reader) }
                        }
                    }
                    try Task.checkCancellation()
                }
            } catch {
                // A task of its own: requests of one that is cancelled are not sent.
                await Task { await self.releaseLeases() }.value
                if Task.isCancelled { throw CancellationError() }
                throw error
            }
        }

        /// Runs a loop, and ends the others if it throws.
        private func ending(
            _ feed: AsyncStream<ShardReader>.Continuation, _ body: () async throws -> Void
        ) async throws {
            do {
                try await body()
            } catch {
                feed.finish()
                throw error
            }
        }

        private func surveys(_ feed: AsyncStream<ShardReader>.Continuation) async throws {
            var deadline = RetryDeadline(options.retryTimeout)
            while true {
                do {
                    try await survey { feed.yield($0) }
                    deadline.succeed()
                } catch {
                    try deadline.tolerate(error, at: clock.elapsed)
                }
                let end = clock.elapsed + options.surveyInterval
                repeat {
                    try await clock.sleep(for: min(options.pollInterval, options.surveyInterval))
                } while clock.elapsed < end && !needsSurvey
            }
        }

        /// Reads a shard up to its end.
        private func follow(_ reader: ShardReader) async throws {
            var reader = reader
            var deadline = RetryDeadline(options.retryTimeout)
            while true {
                try Task.checkCancellation()
                var turn = ShardReader.Turn.waited
                // Many shards may wait for long, which is no failure of the service.
                try await pages.acquire(within: nil, clock)
                do {
                    defer { pages.release() }
                    turn = try await reader.turn()
                    deadline.succeed()
                } catch {
                    try deadline.tolerate(error, at: clock.elapsed)
                }
                switch turn {
                case .read: continue
                case .waited: try await clock.sleep(for: options.pollInterval)
                case .finished, .lost: return ended(reader.lease, turn)
                }
            }
        }

        // MARK: Leases

        private func renewals() async throws {
            while true {
                try await clock.sleep(for: options.leaseDuration / 6)
                try await renewLeases()
            }
        }

        /// Renews the leases of which a third of the time is over.
        ///
        /// - Throws: The errors of the service that do not pass.
        func renewLeases() async throws {
            var rest = held[...]
            while !rest.isEmpty {
                let part = rest.prefix(Self.renewalCountMax)
                rest = rest.dropFirst(part.count)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for lease in part { group.addTask { try await self.renew(lease) } }
                    try await group.waitForAll()
                }
            }
        }

        private func renew(_ lease: HeldLease) async throws {
            do {
                try await leases.keep(lease, for: options.leaseDuration)
            } catch is LeaseLost {
                // The reader of the shard finds out.
            } catch  where RetryDeadline.isTransient(error) {
                // The next renewal may succeed. If none does, the lease expires.
            }
        }

        /// Gives all leases back, so that other workers need not wait until they expire.
        func releaseLeases() async {
            for lease in held {
                do {
                    try await leases.release(lease)
                } catch is LeaseLost {
                    continue
                } catch {
                    // The others expire.
                    return
                }
            }
        }
    }
#endif
