#if Remote
    public import CodexCore
    public import FoundationEssentials

    /// A named consumer of a remote table's changes, with checkpoints that survive restarts.
    ///
    /// Any number of processes may run it at once. They share the shards of the stream by leases,
    /// which are items beside the checkpoints. If a process ends, others take over its shards.
    ///
    /// There are two ways to consume. ``consume(batchCount:isRepeatable:_:)`` performs actions in
    /// the table of the checkpoints, exactly once for each change. ``deliver(_:)`` calls a function
    /// with effects of any kind, at least once for each change. In both, the changes of an item
    /// come in their order, and those of different items in any order.
    ///
    /// DynamoDB lets two processes read a shard at once, and one of a global table. Each consumer
    /// counts as one, however many workers it has. More of them may be throttled.
    ///
    /// ```swift
    /// let consumer = try RemoteConsumer("totals", of: try await orders.stream(), in: totals)
    /// try await consumer.register()
    /// try await consumer.consume { changes in
    ///     [.update(table: "totals", key: key, Update([.add("count", …)]))]
    /// }
    /// ```
    public struct RemoteConsumer: Sendable {
        /// The consumer's name.
        public let name: String
        /// The stream.
        public let stream: RemoteStream
        /// How it reads.
        public let options: RemoteConsumerOptions

        private let leases: LeaseTable
        private let schema: Schema?

        /// Names a consumer; nothing is sent.
        ///
        /// - Parameters:
        ///   - name: The name, 1 to 255 bytes without `#`.
        ///   - stream: The stream.
        ///   - table: The table with the checkpoints, whose key attributes are strings. It may be
        ///     the table of the stream. Its items with checkpoints have partition keys that begin
        ///     with `$consumer#`, and no consumer gets their changes.
        ///   - schema: The schema by whose keys a filter finds the entities of items that do not
        ///     name them.
        ///   - options: How it reads.
        /// - Throws: ``CodexError/Code/invalidArgument``; ``CodexError/Code/unsupportedOperation``
        ///   if the table's service lacks conditional writes or consistent reads.
        public init(
            _ name: String, of stream: RemoteStream, in table: RemoteTable, schema: Schema? = nil,
            options: RemoteConsumerOptions = RemoteConsumerOptions()
        ) throws(CodexError) {
            try options.validate()
            try table.capabilities.require(.conditionalWrites, .consistentItems)
            leases = try LeaseTable(table, consumer: name)
            self.name = name
            self.stream = stream
            self.schema = schema
            self.options = options
        }

        // MARK: Registering

        /// Registers the consumer, unless it is.
        ///
        /// - Parameters:
        ///   - start: The first changes that it gets.
        ///   - filter: The changes that it gets. The stream is of one table.
        /// - Throws: ``CodexError/Code/invalidArgument`` if it is registered with another filter,
        ///   or if the filter names entities and the consumer has no schema;
        ///   ``CodexError/Code/unknownTable`` or ``CodexError/Code/unknownEntity`` for a filter
        ///   that excludes the table, or names an entity that the schema does not have;
        ///   ``CodexError/Code/changesTrimmed`` if it is registered for a former stream of the
        ///   table; the errors of the service.
        public func register(
            from start: RemoteStreamStart = .oldest, filter: ChangeFilter = .all
        ) async throws {
            try requireKnown(filter)
            let found: ConsumerRegistration
            if let known = try await leases.registration() {
                found = known
            } else {
                // The answer has the date of the stream's service.
                _ = try await stream.shards(after: nil)
                found = try await leases.register(
                    ConsumerRegistration(
                        stream, filter, since: start.time, now: stream.serviceDate))
            }
            guard found.filter == filter else {
                throw CodexError(
                    .invalidArgument,
                    "There is a consumer of that name with another filter. Remove it first.")
            }
            try requireStream(found)
            if found.isReady { return }
            // A shard without a row is later one that came after the registration.
            let shardIDs = try await StreamWorker.list(stream).keys.sorted()
            // Another call may have been faster. What is listed since then may have come later.
            if try await leases.registration()?.isReady == true { return }
            for shardID in shardIDs { try await leases.create(shardID, isInitial: true) }
            try await leases.setReady()
        }

        /// Refuses a filter with names that no change can have.
        private func requireKnown(_ filter: ChangeFilter) throws(CodexError) {
            let table = stream.table.definition.name
            if let tables = filter.tables, !tables.contains(table) {
                throw CodexError(
                    .unknownTable, "The filter excludes table \(table), whose stream it is.")
            }
            guard let entities = filter.entities else { return }
            guard let schema else {
                throw CodexError(
                    .invalidArgument,
                    "The filter names entities. Give the consumer the schema that has them.")
            }
            let known = Set(schema.entities.map(\.name))
            if let name = entities.subtracting(known).min() { throw schema.unknownEntity(name) }
        }

        /// Removes the consumer and its checkpoints; removing an absent one is not an error.
        ///
        /// Call it when no process runs the consumer. Of shards that the service does not list any
        /// more, small items may stay; ``removeStaleCheckpoints()`` removes them before.
        ///
        /// - Throws: The errors of the service.
        public func remove() async throws {
            var keys = [leases.key(nil)]
            do {
                keys += try await StreamWorker.list(stream).keys.map { leases.key($0) }
            } catch CodexError.Code.unknownTable {
                // The stream is gone, and its shards with it.
            }
            try await leases.table.batchWrite(keys.map { .delete($0) })
        }

        /// Removes the checkpoints of shards that the service does not list any more.
        ///
        /// Workers remove the checkpoint of a shard that goes while one of them runs, or whose
        /// children the service still lists. Those of shards that went in a longer interruption
        /// stay: they are small, and have no effect. The call may run beside workers. It looks
        /// twice, with ``RemoteConsumerOptions/listingInterval`` between, and keeps what changed.
        ///
        /// - Returns: The number of checkpoints that were removed.
        /// - Throws: ``CodexError/Code/unknownConsumer``; ``CodexError/Code/changesTrimmed`` if the
        ///   consumer is registered for another stream; the errors of the service.
        /// - Complexity: Reads all items of the table with the checkpoints.
        @discardableResult
        public func removeStaleCheckpoints() async throws -> Int {
            try requireStream(try await registration())
            let known = try await knownShardIDs()
            let stale = try await leases.allRows().filter { !known.contains($0.key) }
            guard !stale.isEmpty else { return 0 }
            try await leases.table.client.sleep(
                for: max(options.listingInterval, options.leaseDuration))
            let stillKnown = try await knownShardIDs()
            var count = 0
            for (shardID, row) in stale where !stillKnown.contains(shardID) {
                if try await leases.remove(shardID, row) { count += 1 }
            }
            return count
        }

        /// The shards that the service lists, and their parents, whose rows workers look for.
        private func knownShardIDs() async throws -> Set<String> {
            let shards = try await StreamWorker.list(stream)
            return Set(shards.keys).union(shards.values.compactMap(\.parent))
        }

        /// How far the consumer is.
        ///
        /// - Returns: The numbers of shards.
        /// - Throws: ``CodexError/Code/unknownConsumer``, and the errors of the service.
        public func status() async throws -> RemoteConsumerStatus {
            _ = try await registration()
            let shards = try await StreamWorker.list(stream)
            let rows = try await leases.rows(of: shards.keys.sorted())
            return RemoteConsumerStatus(
                shardCount: shards.count,
                finishedShardCount: rows.values.count(where: { $0.isDone }),
                workerCount: Set(rows.values.compactMap(\.owner)).count)
        }

        // MARK: Consuming

        /// Performs the actions that `body` makes of changes: exactly once for each change.
        ///
        /// The actions and the new checkpoint are one transaction. It happens as a whole or not at
        /// all, also if processes are killed or answers are lost. So the actions must be of the
        /// table with the checkpoints, and there are at most 99 of them. For more, `body` is called
        /// again with fewer changes.
        ///
        /// If a transaction has more than 4 MB, with the stored items that it changes or checks, or
        /// if the service refuses it as invalid, `body` is called again with fewer changes, too.
        ///
        /// If the actions are repeatable, those of one change are divided in these cases. They then
        /// take several transactions, and the checkpoint moves with the last one. After an
        /// interruption or an error between them, all actions of the change come again, before
        /// those of later changes.
        ///
        /// The call does not end by itself: cancel its task.
        ///
        /// - Parameters:
        ///   - batchCount: The most changes of a transaction, 1 or more.
        ///   - isRepeatable: Whether the actions of a change have the same result if they are
        ///     performed again, or in several transactions: puts and deletions, for example.
        ///   - body: Gets changes of one shard, in their order, and returns the actions. An item
        ///     may be in one action only, so it joins the changes that touch the same item. It may
        ///     run again for the same changes, and should have no other effects. If the condition
        ///     of an action is false, it runs again, as often as the options allow.
        /// - Throws: `CancellationError`; ``CodexError/Code/unknownConsumer``;
        ///   ``CodexError/Code/changesTrimmed`` for a gap;
        ///   ``CodexError/Code/unsupportedOperation`` if the service of the checkpoints has no
        ///   transactions; ``CodexError/Code/transactionTooLarge`` if one change has more than 99
        ///   actions, or more than 4 MB, that are not repeatable;
        ///   ``CodexError/Code/transactionCancelled``; the errors of `body` and of the service. A
        ///   `CancellationError` of `body` itself is the cause of ``CodexError/Code/cancelled``.
        public func consume(
            batchCount: Int = 25, isRepeatable: Bool = false,
            _ body: @escaping @Sendable ([RemoteChange]) async throws -> [WriteAction]
        ) async throws {
            try await worker(
                .transactional(batchCount: batchCount, isRepeatable: isRepeatable, body)
            ).run()
        }

        /// Calls `body` with each change: at least once, and in the order of the changes of an
        /// item.
        ///
        /// The checkpoint follows the effects. After the end of a process, the last changes come
        /// again, so `body` should tell them by ``RemoteChange/sequenceNumber``, or have effects
        /// that can be repeated. It should take less time than
        /// ``RemoteConsumerOptions/leaseDuration``: renewals go on meanwhile, but a process that
        /// does not reach the service loses its shards.
        ///
        /// The call does not end by itself: cancel its task.
        ///
        /// - Parameter body: Gets a change.
        /// - Throws: `CancellationError`; ``CodexError/Code/unknownConsumer``;
        ///   ``CodexError/Code/changesTrimmed`` for a gap; the errors of `body` and of the service,
        ///   as ``consume(batchCount:isRepeatable:_:)``.
        public func deliver(
            _ body: @escaping @Sendable (RemoteChange) async throws -> Void
        ) async throws {
            try await worker(.delivering(body)).run()
        }

        /// A worker that is ready to run.
        ///
        /// - Throws: As ``consume(batchCount:isRepeatable:_:)``, before the first change.
        func worker(_ handler: ChangeHandler) async throws -> StreamWorker {
            if case .transactional(let batchCount, _, _) = handler {
                try leases.table.capabilities.require(.transactions(actionCount: 2))
                guard batchCount >= 1 else {
                    throw CodexError(.invalidArgument, "A batch has at least 1 change.")
                }
            }
            let found = try await registration()
            try requireStream(found)
            return StreamWorker(stream, leases, found, handler, options, schema)
        }

        private func registration() async throws -> ConsumerRegistration {
            guard let found = try await leases.registration(), found.isReady else {
                throw CodexError(
                    .unknownConsumer,
                    "There is no consumer \(name.abbreviated()). Call register(from:filter:) "
                        + "first.")
            }
            return found
        }

        private func requireStream(_ found: ConsumerRegistration) throws(CodexError) {
            guard found.stream == stream.arn else {
                throw CodexError(
                    .changesTrimmed,
                    "The consumer is registered for another stream of the table, which may have "
                        + "ended before all its changes were done. Remove the consumer, register "
                        + "it again, and derive its effects from the items.")
            }
        }
    }

    /// The first changes that a new consumer gets.
    public struct RemoteStreamStart: Sendable, Hashable {
        let time: Date?

        /// All changes that the service keeps.
        public static let oldest = RemoteStreamStart(time: nil)

        /// The changes from a second on, by the service's clock.
        ///
        /// The consumer has to read older ones too, and passes over them.
        public static func time(_ time: Date) -> RemoteStreamStart {
            RemoteStreamStart(time: time)
        }
    }

    /// How far a consumer of a remote stream is.
    public struct RemoteConsumerStatus: Sendable, Hashable {
        /// The shards that the service lists.
        public let shardCount: Int
        /// Those whose changes are all done.
        public let finishedShardCount: Int
        /// The workers that have leases, also of processes that ended without giving them back.
        public let workerCount: Int
    }
#endif
