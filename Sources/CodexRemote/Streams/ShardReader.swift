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

        /// Pages without changes, one after the other, with iterators of which each is the next
        /// one of the page before.
        private struct EmptyRun {
            /// The time of the first page, in milliseconds since 1970 by the service's clock.
            let start: Int
            var pageCount = 0
        }

        private var iterator: String?
        /// The last change that was read, also of those that the consumer does not get.
        private var last: StreamSequenceNumber?
        private var emptyRun: EmptyRun?

        /// After so many pages without changes in so many milliseconds, all changes are done that
        /// there were at the time of the first page.
        ///
        /// DynamoDB gives no bound: "it might take multiple calls to get to a portion of the shard
        /// that contains stream records" (GetRecords in its API reference).
        static let emptyPageCountMin = 60
        static let emptyMilliseconds = 15 * 60 * 1000
        /// By how much clocks of one service may differ, with the time of a request.
        static let clockMargin: Duration = .seconds(60)

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
                begin(with: nil)
                last = nil
                throw error
            }
        }

        /// Goes on with another iterator than that of the last page; `nil` is to open one.
        private mutating func begin(with other: String?) {
            iterator = other
            emptyRun = nil
        }

        private mutating func nextPage() async throws -> Turn {
            try await leases.keep(lease, for: options.leaseDuration)
            if lease.isWanted {
                try await leases.release(lease)
                return .lost
            }
            let isOpen = iterator != nil
            guard let iterator = try await openIterator() else { return try await finish() }
            let page: RemoteStream.ChangePage
            do {
                page = try await stream.changes(
                    iterator, of: lease.shard.id, limit: options.recordCountMax)
            } catch CodexError.Code.invalidPageToken {
                guard isOpen else { throw Self.expiredAtOnce }
                // It expired. The next one begins after the last change.
                begin(with: nil)
                return .read
            } catch CodexError.Code.unknownTable where isOpen {
                // The shard or the stream is gone. Another iterator tells, or shows a gap.
                begin(with: nil)
                return .read
            } catch CodexError.Code.changesTrimmed {
                try await report(isWholeShard: false)
                begin(with: try await stream.iterator(of: lease.shard.id, at: .oldest))
                return .waited
            }
            try await handle(page.changes)
            guard let next = page.next else { return try await finish() }
            self.iterator = next
            notePage(isEmpty: page.changes.isEmpty)
            return page.changes.isEmpty ? .waited : .read
        }

        /// The error of an iterator that was too old when it was new.
        private static var expiredAtOnce: CodexError {
            CodexError(
                .unavailable,
                "The service takes an iterator for expired that it gave just before. Try again "
                    + "later.")
        }

        /// Counts pages without changes, and notes what they show to be done.
        private mutating func notePage(isEmpty: Bool) {
            let now = milliseconds
            var run = emptyRun ?? EmptyRun(start: now)
            run.pageCount += 1
            if isEmpty, run.pageCount >= Self.emptyPageCountMin,
                now - run.start >= Self.emptyMilliseconds
            {
                lease.noteDone(through: run.start)
                run = EmptyRun(start: now, pageCount: 1)
            }
            emptyRun = isEmpty ? run : nil
        }

        /// The present time, in milliseconds since 1970 by the service's clock.
        private var milliseconds: Int { Int(stream.serviceDate.millisecondsSince1970) }

        private func finish() async throws -> Turn {
            try await leases.finish(lease)
            return .finished
        }

        // MARK: The beginning

        /// The iterator; `nil` if the shard is gone.
        private mutating func openIterator() async throws -> String? {
            if let iterator { return iterator }
            do {
                begin(with: try await opened())
            } catch CodexError.Code.unknownTable {
                try await report(isWholeShard: true)
            }
            return iterator
        }

        /// An iterator after what was read.
        ///
        /// The service tells whether it has removed changes, as long as it knows a number in the
        /// shard. Otherwise the time tells up to which all changes are done.
        private func opened() async throws -> String {
            let shardID = lease.shard.id
            if let place = place(after: last) {
                if let found = try await opened(at: place) { return found }
            } else if !lease.isInitial {
                // The service does not tell where the shard begins.
                return try await stream.iterator(of: shardID, at: .oldest)
            }
            let oldest = try await stream.iterator(of: shardID, at: .oldest)
            // The time is that of the answer. What is removed later, the iterator itself shows.
            if hasKeptAll { return oldest }
            if isUnread, lease.isInitial, let start = lease.shard.start,
                let found = try await opened(at: .at(start))
            {
                return found
            }
            try await report(isWholeShard: false)
            return try await stream.iterator(of: shardID, at: .oldest)
        }

        /// An iterator; `nil` if the service does not keep the place any more.
        private func opened(at place: RemoteStream.Place) async throws -> String? {
            do {
                return try await stream.iterator(of: lease.shard.id, at: place)
            } catch CodexError.Code.changesTrimmed {
                return nil
            }
        }

        /// Whether the service still keeps all changes that are not done, as its retention says.
        private var hasKeptAll: Bool {
            // A shard that was there at the registration begins with what was kept then.
            let beginning = isUnread && lease.isInitial ? registration.registered : nil
            guard let done = lease.doneThrough ?? beginning else { return false }
            let age = Duration.milliseconds(milliseconds - done)
            return age < options.retention - Self.clockMargin
        }

        /// Whether no change of the shard was read.
        private var isUnread: Bool { (last ?? lease.position) == nil }

        /// The place after what was read; `nil` if it is not known.
        private func place(after last: StreamSequenceNumber?) -> RemoteStream.Place? {
            if let number = last ?? lease.position { return .after(number) }
            // The number of the shard's first change tells if the service has removed some. Of a
            // shard that was there at the registration, it may have removed them before.
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
                if isWanted(change) { wanted.append(change) }
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
        private func isWanted(_ change: RemoteChange) -> Bool {
            // Checkpoints in the table itself would make changes forever.
            guard !LeaseTable.isKey(change.key), registration.isRecent(change) else {
                return false
            }
            return registration.filter.includes(change, schema)
        }
    }
#endif
