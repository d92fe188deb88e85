#if Remote
    internal import CodexCore

    /// The checkpoints and leases of a consumer, as items of a table.
    ///
    /// Each shard has an item of its own (``LeaseRow``), in a partition of its own. Each write of
    /// it is conditional. A worker takes a lease with a greater fence, and all its later writes
    /// require that fence.
    struct LeaseTable: Sendable {
        /// What the partition keys of all consumers begin with.
        static let prefix = TableCapabilities.consumerPrefix
        private static let sortKey = "lease"

        let table: RemoteTable
        /// The name of the consumer.
        let consumer: String

        /// Names the checkpoints of a consumer; nothing is sent.
        ///
        /// - Throws: ``CodexError/Code/invalidArgument`` for a table whose keys are not text, and
        ///   for a name that is empty, too long, or has a `#`.
        init(_ table: RemoteTable, consumer: String) throws(CodexError) {
            guard table.definition.keyAttributes.allSatisfy({ $0.type == .string }) else {
                throw CodexError(
                    .invalidArgument,
                    "The key attributes of the table with the checkpoints are strings.")
            }
            let byteCounts = 1...StoreLimits.consumerNameByteCountMax
            guard byteCounts.contains(consumer.utf8.count), !consumer.utf8.contains(0),
                !consumer.utf8.contains(UInt8(ascii: "#"))
            else {
                throw CodexError(
                    .invalidArgument,
                    "A consumer's name has 1 to \(StoreLimits.consumerNameByteCountMax) bytes, "
                        + "without zero and #.")
            }
            (self.table, self.consumer) = (table, consumer)
        }

        var clock: any RemoteClock { table.client.parts.clock }

        /// Whether an item has the checkpoint of a consumer.
        static func isKey(_ key: PrimaryKey) -> Bool {
            key.partition.string?.utf8.starts(with: prefix.utf8) == true
        }

        /// The key of a shard's item; without a shard, of the consumer's own.
        func key(_ shardID: String?) -> PrimaryKey {
            let name = Self.prefix + consumer + (shardID.map { "#" + $0 } ?? "")
            let sort: AttributeValue? =
                table.definition.sortKey == nil ? nil : .string(Self.sortKey)
            return PrimaryKey(.string(name), sort)
        }

        // MARK: Rows

        /// The rows of shards, as of completed writes.
        ///
        /// - Parameter shardIDs: The shards, each once.
        /// - Returns: The rows that are there.
        /// - Throws: The errors of reading.
        func rows(of shardIDs: [String]) async throws -> [String: LeaseRow] {
            let items = try await table.batchGet(shardIDs.map { key($0) })
            var rows: [String: LeaseRow] = [:]
            for (shardID, item) in zip(shardIDs, items) {
                if let item { rows[shardID] = try LeaseRow(item) }
            }
            return rows
        }

        /// Stores the row of a shard, unless there is one.
        ///
        /// - Throws: The errors of writing.
        func create(_ shardID: String, isInitial: Bool) async throws {
            let row = LeaseRow(isInitial: isInitial)
            var item = table.definition.attributes(of: key(shardID))
            for element in row.attributes { item[element.name] = element.value }
            do {
                // A row that is removed between two attempts is stored as new, as it should be.
                _ = try await table.put(
                    item, condition: isAbsent, returning: .none, repeatedAs: .fenced)
            } catch CodexError.Code.conditionFailed {
                // Another worker was faster, or an earlier attempt was applied.
            }
        }

        /// Takes a lease that is free or expired.
        ///
        /// - Parameters:
        ///   - shard: The shard.
        ///   - row: The row as it was read.
        ///   - worker: The worker.
        /// - Returns: The lease; `nil` if the row changed meanwhile.
        /// - Throws: The errors of writing.
        func take(
            _ shard: StreamShard, _ row: LeaseRow, by worker: String
        ) async throws -> HeldLease? {
            let sent = clock.elapsed
            var taken = row
            taken.owner = worker
            taken.fence += 1
            taken.beat += 1
            let update = Update([
                Self.set(LeaseRow.Name.owner, .string(worker)),
                Self.set(LeaseRow.Name.fence, Self.number(taken.fence)),
                Self.set(LeaseRow.Name.beat, Self.number(taken.beat)),
                .remove(DocumentPath(LeaseRow.Name.wanted)),
            ])
            let condition =
                Self.equal(LeaseRow.Name.fence, Self.number(row.fence))
                && Self.equal(LeaseRow.Name.beat, Self.number(row.beat))
                // The end of a shard changes neither of them.
                && .attributeNotExists(DocumentPath(LeaseRow.Name.isDone))
            do {
                _ = try await table.update(
                    key(shard.id), update, condition: condition, returning: .allNew,
                    repeatedAs: .fenced)
            } catch CodexError.Code.conditionFailed {
                // A repetition of the request finds its own effect.
                guard let found = try await self.row(shard.id), found.owner == worker,
                    found.fence == taken.fence
                else { return nil }
            }
            return HeldLease(shard, taken, at: sent)
        }

        /// Asks the worker that has a lease to give it back.
        ///
        /// - Throws: The errors of writing.
        func ask(for shardID: String, _ row: LeaseRow, by worker: String) async throws {
            let wanted = DocumentPath(LeaseRow.Name.wanted)
            do {
                _ = try await table.update(
                    key(shardID), Update([Self.set(LeaseRow.Name.wanted, .string(worker))]),
                    condition: Self.equal(LeaseRow.Name.fence, Self.number(row.fence))
                        && .attributeNotExists(wanted),
                    returning: .allNew, repeatedAs: .fenced)
            } catch CodexError.Code.conditionFailed {
                // Another worker has it or asks for it; the next survey shows which.
            }
        }

        /// Marks a shard whose changes are gone as done, also if a worker has its lease.
        ///
        /// The worker loses the lease: the changes that it has must not be done after those of the
        /// shard's children.
        ///
        /// - Returns: Whether it is done; `false` if another worker took it meanwhile.
        /// - Throws: The errors of writing.
        func close(_ shardID: String, _ row: LeaseRow) async throws -> Bool {
            do {
                _ = try await table.update(
                    key(shardID),
                    Update([
                        Self.set(LeaseRow.Name.isDone, .bool(true)),
                        Self.set(LeaseRow.Name.fence, Self.number(row.fence + 1)),
                    ]),
                    condition: Self.equal(LeaseRow.Name.fence, Self.number(row.fence))
                        && .attributeNotExists(DocumentPath(LeaseRow.Name.isDone)),
                    returning: .allNew, repeatedAs: .fenced)
                return true
            } catch CodexError.Code.conditionFailed {
                return try await self.row(shardID)?.isDone ?? true
            }
        }

        /// Removes the row of a shard that is done.
        ///
        /// - Throws: The errors of writing.
        func forget(_ shardID: String) async throws {
            do {
                _ = try await table.delete(
                    key(shardID), condition: Self.equal(LeaseRow.Name.isDone, .bool(true)),
                    returning: .none, repeatedAs: .fenced)
            } catch CodexError.Code.conditionFailed {
                // Another worker removed it.
            }
        }

        /// The row of a shard, as of completed writes.
        func row(_ shardID: String) async throws -> LeaseRow? {
            try await table.get(key(shardID)).map { item throws(CodexError) in
                try LeaseRow(item)
            }
        }

        // MARK: Rows that are left over

        /// The rows of all shards that the consumer ever had, by a scan of the table.
        ///
        /// - Throws: The errors of reading.
        func allRows() async throws -> [String: LeaseRow] {
            let start = Self.prefix + consumer + "#"
            let key = table.definition.partitionKey.name
            let page = try await table.items(
                scanning: RemoteScan(
                    filter: .beginsWith(.path(DocumentPath(key)), .value(.string(start)))),
                consistency: .consistent)
            var rows: [String: LeaseRow] = [:]
            for item in page.items {
                let name = item[key]?.string ?? ""
                let shardID = String(
                    decoding: name.utf8.dropFirst(start.utf8.count), as: UTF8.self)
                rows[shardID] = try LeaseRow(item)
            }
            return rows
        }

        /// Removes a row, unless a worker has written it since it was read.
        ///
        /// - Returns: Whether it is removed.
        /// - Throws: The errors of writing.
        func remove(_ shardID: String, _ row: LeaseRow) async throws -> Bool {
            do {
                _ = try await table.delete(
                    key(shardID),
                    condition: Self.equal(LeaseRow.Name.fence, Self.number(row.fence))
                        && Self.equal(LeaseRow.Name.beat, Self.number(row.beat)),
                    returning: .none, repeatedAs: .fenced)
                return true
            } catch CodexError.Code.conditionFailed {
                return false
            }
        }

        // MARK: Parts of writes

        var isAbsent: Condition {
            .attributeNotExists(DocumentPath(table.definition.partitionKey.name))
        }

        static func number(_ value: Int) -> AttributeValue { .number(Number(value)) }

        static func set(_ name: String, _ value: AttributeValue) -> Update.Clause {
            .set(DocumentPath(name), .operand(.value(value)))
        }

        static func equal(_ name: String, _ value: AttributeValue) -> Condition {
            .compare(.path(DocumentPath(name)), .equal, .value(value))
        }
    }
#endif
