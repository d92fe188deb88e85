#if Remote
    internal import CodexCore

    /// What the worker that has a lease does with it.
    ///
    /// Each call throws ``LeaseLost`` if another worker has the lease now.
    extension LeaseTable {
        /// Renews a lease if a third of its time is over.
        ///
        /// - Throws: ``LeaseLost``, and the errors of writing.
        func keep(_ lease: HeldLease, for duration: Duration) async throws {
            if lease.isLost { throw LeaseLost() }
            guard clock.elapsed - lease.renewedAt >= duration / 3 else { return }
            try await renew(lease)
        }

        /// Renews a lease.
        ///
        /// - Throws: ``LeaseLost``, and the errors of writing.
        func renew(_ lease: HeldLease) async throws {
            let sent = clock.elapsed
            let beat = lease.nextBeat()
            let path = DocumentPath(LeaseRow.Name.beat)
            var clauses = [Self.set(LeaseRow.Name.beat, Self.number(beat))]
            if let time = lease.doneThrough {
                clauses.append(Self.set(LeaseRow.Name.doneThrough, Self.number(time)))
            }
            let row = try await write(
                lease, Update(clauses),
                // The write makes it false, so that the client may repeat it.
                if: .compare(.path(path), .less, .value(Self.number(beat)))
            ) { $0.beat >= beat }
            lease.renewed(at: sent, isWanted: row.wanted != nil)
        }

        /// Stores a checkpoint.
        ///
        /// - Throws: ``LeaseLost``, and the errors of writing.
        func checkpoint(_ lease: HeldLease, at number: StreamSequenceNumber) async throws {
            let sent = clock.elapsed
            let row = try await write(
                lease, update(lease, to: number), if: isAt(lease.position)
            ) { $0.position == number }
            lease.moved(to: number, at: sent)
            lease.renewed(at: sent, isWanted: row.wanted != nil)
        }

        /// Performs actions and stores a checkpoint, in one transaction.
        ///
        /// - Throws: ``LeaseLost``; ``CodexError/Code/transactionCancelled`` if the condition of an
        ///   action is false; the errors of writing. After an error, nothing happened.
        func commit(
            _ actions: [WriteAction], _ lease: HeldLease, at number: StreamSequenceNumber
        ) async throws {
            if actions.isEmpty { return try await checkpoint(lease, at: number) }
            let sent = clock.elapsed
            let move = WriteAction.update(
                table: table.definition.name, key: key(lease.shard.id), update(lease, to: number),
                condition: isHeld(lease) && isAt(lease.position))
            do {
                try await table.transact(actions + [move])
            } catch let error as CodexError where Self.isUncertain(error.code) {
                // The row tells whether it was applied. If an attempt arrives even later, its
                // condition on the position is false once another one was applied.
                try await require(lease, error) { $0.position == number }
            }
            lease.moved(to: number, at: sent)
        }

        /// Performs actions without a checkpoint, if the worker has the lease.
        ///
        /// The change that they are of is not done afterwards: they come again after an error.
        ///
        /// - Throws: As ``commit(_:_:at:)``; after ``CodexError/Code/outcomeUnknown``, the actions
        ///   may have been performed.
        func perform(_ actions: [WriteAction], _ lease: HeldLease) async throws {
            let sent = clock.elapsed
            let renewal = WriteAction.update(
                table: table.definition.name, key: key(lease.shard.id),
                Update([Self.set(LeaseRow.Name.beat, Self.number(lease.nextBeat()))]),
                // A request that arrives late finds another position.
                condition: isHeld(lease) && isAt(lease.position))
            do {
                try await table.transact(actions + [renewal])
            } catch let error as CodexError where error.code == .transactionCancelled {
                // The row tells whether the worker has the lease.
                try await require(lease, error) { _ in false }
            }
            lease.renewed(at: sent)
        }

        /// Marks a shard as done, and gives the lease back.
        ///
        /// - Throws: ``LeaseLost``, and the errors of writing.
        func finish(_ lease: HeldLease) async throws {
            let isDone = DocumentPath(LeaseRow.Name.isDone)
            _ = try await write(
                lease,
                Update([
                    Self.set(LeaseRow.Name.isDone, .bool(true)),
                    .remove(DocumentPath(LeaseRow.Name.owner)),
                ]), if: .attributeNotExists(isDone)
            ) { $0.isDone }
            lease.lose()
        }

        /// Gives a lease back.
        ///
        /// - Throws: ``LeaseLost``, and the errors of writing.
        func release(_ lease: HeldLease) async throws {
            let owner = DocumentPath(LeaseRow.Name.owner)
            _ = try await write(
                lease,
                Update([.remove(owner), .remove(DocumentPath(LeaseRow.Name.wanted))]),
                if: .attributeExists(owner)
            ) { $0.owner == nil }
            lease.lose()
        }

        // MARK: Writing

        /// Whether the row must tell what happened to a transaction.
        private static func isUncertain(_ code: CodexError.Code) -> Bool {
            [.transactionCancelled, .outcomeUnknown, .idempotencyMismatch].contains(code)
        }

        private func isHeld(_ lease: HeldLease) -> Condition {
            Self.equal(LeaseRow.Name.fence, Self.number(lease.fence))
        }

        private func isAt(_ position: StreamSequenceNumber?) -> Condition {
            guard let position else {
                return .attributeNotExists(DocumentPath(LeaseRow.Name.position))
            }
            return Self.equal(LeaseRow.Name.position, .string(position.description))
        }

        private func update(_ lease: HeldLease, to number: StreamSequenceNumber) -> Update {
            Update([
                Self.set(LeaseRow.Name.position, .string(number.description)),
                Self.set(LeaseRow.Name.beat, Self.number(lease.nextBeat())),
                // Changes came since then.
                .remove(DocumentPath(LeaseRow.Name.doneThrough)),
            ])
        }

        /// Changes the row of a lease that the worker has.
        ///
        /// - Parameters:
        ///   - lease: The lease.
        ///   - update: The changes.
        ///   - condition: A condition that the changes make false.
        ///   - isApplied: Whether a row has the changes.
        /// - Returns: The row as it is now.
        /// - Throws: ``LeaseLost``, and the errors of writing.
        private func write(
            _ lease: HeldLease, _ update: Update, if condition: Condition,
            _ isApplied: (LeaseRow) -> Bool
        ) async throws -> LeaseRow {
            do {
                let item = try await table.update(
                    key(lease.shard.id), update, condition: isHeld(lease) && condition,
                    returning: .allNew, repeatedAs: .fenced)
                if let item { return try LeaseRow(item) }
                return try await require(lease, nil, isApplied)
            } catch let error as CodexError
                where error.code == .conditionFailed || error.code == .outcomeUnknown
            {
                return try await require(lease, error, isApplied)
            }
        }

        /// The row of a lease that the worker has, after a write that may have been applied.
        ///
        /// - Throws: ``LeaseLost`` if the worker does not have it any more; the error of the write
        ///   if it was not applied.
        @discardableResult
        private func require(
            _ lease: HeldLease, _ error: CodexError?, _ isApplied: (LeaseRow) -> Bool
        ) async throws -> LeaseRow {
            guard let row = try await row(lease.shard.id), row.fence == lease.fence else {
                lease.lose()
                throw LeaseLost()
            }
            if isApplied(row) { return row }
            let isSame = row.position == lease.position
            if isSame, let error, error.code != .conditionFailed { throw error }
            // An earlier request arrived late, so that the checkpoint is not where this worker
            // left it. The next survey takes the lease again.
            lease.lose()
            throw LeaseLost()
        }
    }
#endif
