#if Remote
    internal import CodexCore
    internal import FoundationEssentials

    /// Reads one shard page by page, for the worker that has its lease.
    ///
    /// Only one task at a time may use it.
    struct ShardReader: Sendable {
        /// What came of a page.
        enum Turn: Sendable, Hashable {
            /// There were changes, and there may be more.
            case read
            /// There were none at this moment.
            case waited
            /// The shard is over, and all its changes are done.
            case finished
            /// The worker does not have the lease any more.
            case lost
        }

        let stream: RemoteStream
        let leases: LeaseTable
        let lease: HeldLease
        let registration: ConsumerRegistration
        let handler: ChangeHandler
        let options: RemoteConsumerOptions
        /// The schema that tells the entities of keys.
        let schema: Schema?

        private var iterator: String?
        /// The last change that was read, also of those that the consumer does not get.
        private var last: StreamSequenceNumber?

        init(
            _ stream: RemoteStream, _ leases: LeaseTable, _ lease: HeldLease,
            _ registration: ConsumerRegistration, _ handler: ChangeHandler,
            _ options: RemoteConsumerOptions, _ schema: Schema?
        ) {
            self.stream = stream
            self.leases = leases
            self.lease = lease
            self.registration = registration
            self.handler = handler
            self.options = options
            self.schema = schema
        }

        private var clock: any RemoteClock { leases.clock }

        /// Reads and handles one page.
        ///
        /// After an error, the next call begins after the checkpoint.
        ///
        /// - Returns: What came of it.
        /// - Throws: The errors of the service and of the body;
        ///   ``CodexError/Code/changesTrimmed`` for a gap.
        mutating func turn() async throws -> Turn {
            do {
                return try await nextPage()
            } catch is LeaseLost {
                return .lost
            } catch {
                iterator = nil
                last = nil
                throw error
            }
        }

        private mutating func nextPage() async throws -> Turn {
            try await leases.keep(lease, for: options.leaseDuration)
            if lease.isWanted {
                try await leases.release(lease)
                return .lost
            }
            guard let iterator = try await openIterator() else { return try await finish() }
            let page: RemoteStream.ChangePage
            do {
                page = try await stream.changes(
                    iterator, of: lease.shard.id, limit: options.recordCountMax)
            } catch CodexError.Code.invalidPageToken {
                // It expired. The next one begins after the last change.
                self.iterator = nil
                return .read
            } catch CodexError.Code.changesTrimmed {
                try await report(isWholeShard: false)
                self.iterator = try await stream.iterator(of: lease.shard.id, at: .oldest)
                return .read
            }
            try await handle(page.changes)
            guard let next = page.next else { return try await finish() }
            self.iterator = next
            return page.changes.isEmpty ? .waited : .read
        }

        private func finish() async throws -> Turn {
            try await leases.finish(lease)
            return .finished
        }

        // MARK: The beginning

        /// The iterator; `nil` if the shard is gone.
        private mutating func openIterator() async throws -> String? {
            if let iterator { return iterator }
            do {
                let place = try await start()
                iterator = try await stream.iterator(of: lease.shard.id, at: place)
            } catch CodexError.Code.changesTrimmed where place(after: last) != nil {
                try await report(isWholeShard: false)
                iterator = try await stream.iterator(of: lease.shard.id, at: .oldest)
            } catch CodexError.Code.unknownTable {
                try await report(isWholeShard: true)
            }
            return iterator
        }

        /// Where to begin.
        private func start() async throws -> RemoteStream.Place {
            if let place = place(after: last) { return place }
            guard lease.isInitial else { return .oldest }
            // Nothing of the shard was read. One that was there at the registration begins with
            // its oldest change, which is right as long as the service has kept all since then.
            let age = clock.now.millisecondsSince1970 - Int64(registration.registered)
            let isLate = Duration.milliseconds(age) >= options.retention
            if isLate { try await report(isWholeShard: false) }
            return .oldest
        }

        /// The place after what was read; `nil` if the shard begins with its oldest change.
        private func place(after last: StreamSequenceNumber?) -> RemoteStream.Place? {
            if let number = last ?? lease.position { return .after(number) }
            // The number of the shard's first change tells if the service has removed some.
            return lease.isInitial ? nil : lease.shard.start.map { RemoteStream.Place.at($0) }
        }

        private func report(isWholeShard: Bool) async throws {
            try await options.report(
                StreamGap(
                    shardID: lease.shard.id, after: last ?? lease.position,
                    isWholeShard: isWholeShard))
        }

        // MARK: Changes

        private mutating func handle(_ changes: [RemoteChange]) async throws {
            var wanted: [RemoteChange] = []
            var end = last ?? lease.position
            for change in changes {
                let number = change.sequenceNumber
                // A shard is in the order of its numbers: iterators depend on it. So a record with
                // another number is a repetition, of this shard or of its parent.
                if let end, number <= end { continue }
                if let start = lease.shard.start, number < start { continue }
                end = number
                if try isWanted(change) { wanted.append(change) }
            }
            guard let end, end != lease.position else { return }
            if !wanted.isEmpty {
                try await HandledShard(lease: lease, leases: leases, options: options)
                    .handle(wanted, through: end, handler)
            } else if clock.elapsed - lease.storedAt >= options.leaseDuration {
                // Now and then, also the changes that it does not get are done.
                try await leases.checkpoint(lease, at: end)
            }
            last = end
        }

        /// Whether the consumer gets a change.
        private func isWanted(_ change: RemoteChange) throws(CodexError) -> Bool {
            // Checkpoints in the table itself would make changes forever.
            guard !LeaseTable.isKey(change.key), registration.isRecent(change) else {
                return false
            }
            return try registration.filter.includes(change, schema)
        }
    }

    extension RemoteConsumerOptions {
        /// Reports a gap.
        ///
        /// - Throws: ``CodexError/Code/changesTrimmed`` if the consumer stops at gaps; the errors
        ///   of the function that gets it.
        func report(_ gap: StreamGap) async throws {
            switch gaps {
            case .stop:
                throw CodexError(
                    .changesTrimmed,
                    "The service has removed changes that the consumer did not read. Derive its "
                        + "effects from the items, or set RemoteConsumerOptions.gaps to proceed.")
            case .proceed(let report): try await report(gap)
            }
        }
    }
#endif
