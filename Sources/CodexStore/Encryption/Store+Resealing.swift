#if Encryption
    internal import CodexCore

    extension Store {
        /// Encrypts plain values of encrypted fields, and values under earlier keys again, in all
        /// entities.
        ///
        /// It is for a store whose schema added encryption later (``Schema/sealing(_:of:)``), and
        /// for use after a rotation of keys. It works as ``migrate(_:batchCount:progress:)``, in
        /// transactions of `batchCount` items. After an interruption it starts from the beginning,
        /// and skips items that are done. Items whose fields cannot be opened stay unchanged and
        /// are reported. This includes items with a damaged value that a format before 4 wrote
        /// (``StoreEvent/valuesDamaged(table:count:)``). Each rewritten item is a change in the
        /// streams.
        ///
        /// It also seals the key of the digests of idempotency tokens under the current key, and
        /// replaces digests that were stored without a key. If the key of the digests cannot be
        /// opened any more, it is replaced. Then retries with tokens of the last ten minutes are
        /// refused (``CodexError/Code/idempotencyMismatch``).
        ///
        /// The log keeps the earlier values until it is trimmed (``StoreOptions/changeRetention``),
        /// and backups keep them, too. Consumers of changes and restored stores need the earlier
        /// keys until then.
        ///
        /// - Returns: A report of the rewrite.
        /// - Throws: ``CodexError/Code/keyUnavailable``, `CancellationError` between batches, and
        ///   as ``write(_:)-(_)``.
        @discardableResult
        public func reseal(
            batchCount: Int = 500, progress: (@Sendable (MigrationReport) -> Void)? = nil
        ) async throws -> MigrationReport {
            guard let keyID = try core.options.sealer?.currentKeyID else {
                throw CodexError(
                    .keyUnavailable,
                    "The store has no encryption keys. Open it with StoreOptions.encryptionKeys.")
            }
            // The digests come before the values: they are few, and retries depend on them once the
            // old key is gone.
            try await resealDigests()
            var report = MigrationReport()
            for table in core.catalog.allTables where table.entities.contains(where: \.isSealed) {
                let name = table.name
                report.add(
                    try await rewrite(batchCount: batchCount, progress: progress) {
                        context, start, countMax in
                        try ItemRewrite(context).reseal(
                            try context.catalog.table(name), keyID, after: start, countMax)
                    })
            }
            return report
        }

        private func resealDigests() async throws {
            try await write { transaction in try TokenKeys(transaction.context).resealDigestKey() }
            while try core.withReadContext({ try TokenKeys.hasPlainDigests(in: $0) }) {
                try _Concurrency.Task.checkCancellation()
                try await write { transaction in
                    try TokenKeys(transaction.context).replacePlainDigests()
                }
            }
        }
    }

    extension EntityBinding {
        fileprivate var isSealed: Bool { !definition.sealed.isEmpty }
    }

    extension ItemRewrite {
        fileprivate func reseal(
            _ table: TableHandle, _ keyID: String, after start: [UInt8], _ countMax: Int
        ) throws -> RewrittenBatch {
            try rewrite(table, after: start, countMax) { bytes, _ in
                let number = bytes.layout.header.entityNumber
                guard let fields = context.catalog.sealedFields(number) else { return nil }
                return fields.isOutdated(try bytes.item(), keyID, context.core.options)
            } _: { key throws(CodexError) in
                guard let old = try context.image(table, key),
                    let fields = context.catalog.sealedFields(old.header.entityNumber)
                else { return }
                // Plain values will be sealed, and are no error here.
                let item = try fields.opened(
                    old.item, context.core.options.with { $0.requiresSealedFields = false })
                if let name = item.sealedName { throw CodexError.keyUnavailable(name) }
                var header = old.header
                header.version += 1
                let sealed = try fields.sealed(
                    item, keeping: old.item,
                    context.core.options.with { $0.requiresSealedFields = false })
                // The plain attributes stay, so the derived ones do, too. The item may be of an
                // earlier version, and have a value from which they cannot be made.
                let new = Image(item: sealed, header: header, isDerived: true)
                try context.items.change([Change(table: table, key: key, old: old, new: new)])
            }
        }
    }
#endif
