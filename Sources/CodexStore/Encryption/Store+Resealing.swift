#if Encryption
    public import CodexCore

    extension Store {
        /// Encrypts what is not encrypted yet of an entity's fields, and brings what is encrypted under an
        /// earlier key under the current one.
        ///
        /// For a store whose schema asked for encryption later (``Schema/sealing(_:of:)``), and after a
        /// rotation of keys. It works as ``migrate(_:batchCount:progress:)`` does: in transactions of
        /// `batchCount` items, again from the beginning if it was cut short, with what is done left alone;
        /// items whose fields cannot be opened stay as they are and are reported. Each item that it rewrites
        /// is a change in the streams.
        ///
        /// The log keeps what was there before until it is trimmed: ``StoreOptions/changeRetention``.
        ///
        /// - Returns: What was done.
        /// - Throws: ``CodexError/Code/unknownEntity``, ``CodexError/Code/keyUnavailable``,
        ///   `CancellationError` between batches, and as ``write(_:)-(_)``.
        @discardableResult
        public func reseal<E: Entity>(
            _ type: E.Type, batchCount: Int = 500,
            progress: (@Sendable (MigrationReport) -> Void)? = nil
        ) async throws -> MigrationReport {
            guard let keyID = try core.options.sealer?.currentKeyID else {
                throw CodexError.keyUnavailable(type.definition.name)
            }
            return try await rewrite(batchCount: batchCount, progress: progress) {
                context, start, countMax in
                try context.reseal(type, keyID, after: start, countMax)
            }
        }
    }

    extension WriteContext {
        fileprivate func reseal<E: Entity>(
            _ type: E.Type, _ keyID: String, after start: [UInt8], _ countMax: Int
        ) throws -> RewrittenBatch {
            let bound = try binding(type)
            let fields = catalog.sealedFields(bound.entity.number)
            return try rewrite(bound, after: start, countMax) { bytes, _ in
                guard bytes.layout.header.entityNumber == bound.entity.number else { return nil }
                return fields?.isOutdated(try bytes.item(), keyID) ?? false
            } _: { key throws(CodexError) in
                guard let fields, let old = try image(bound.table, key) else { return }
                let item = try fields.opened(
                    old.item, core.options.with { $0.requiresSealedFields = false })
                if let name = fields.names.first(where: { name in
                    item[name].map { SealedValue.isSealed($0) } ?? false
                }) {
                    throw CodexError.keyUnavailable(name)
                }
                var header = old.header
                header.version += 1
                try change([
                    Change(
                        table: bound.table, key: key, old: old,
                        new: Image(item: item, header: header))
                ])
            }
        }
    }
#endif
