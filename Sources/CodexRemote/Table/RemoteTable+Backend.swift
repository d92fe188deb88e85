#if Remote
    public import CodexCore

    // Queries and lists of actions are in RemoteTable+Pages.swift and
    // RemoteTable+Transactions.swift.
    extension RemoteTable: TableBackend {
        /// The item with a key, as ``get(_:consistency:projection:)``.
        ///
        /// - Throws: ``CodexError/Code/unknownTable`` for another table's name.
        public func item(
            in table: String, key: PrimaryKey, consistency: ReadConsistency
        ) async throws -> Item? {
            try requireName(table)
            return try await get(key, consistency: consistency)
        }

        /// The items with keys, as ``batchGet(_:consistency:)``.
        ///
        /// - Throws: ``CodexError/Code/unknownTable`` for another table's name.
        public func items(
            in table: String, keys: [PrimaryKey], consistency: ReadConsistency
        ) async throws -> [Item?] {
            try requireName(table)
            return try await batchGet(keys, consistency: consistency)
        }

        /// A page of the table's items, as ``items(scanning:limits:after:consistency:)``.
        ///
        /// - Throws: ``CodexError/Code/unknownTable`` for another table's name.
        public func items(
            scanning table: String, limits: PageLimits, after token: PageToken?,
            consistency: ReadConsistency
        ) async throws -> Page<Item> {
            try requireName(table)
            return try await items(
                scanning: RemoteScan(), limits: limits, after: token, consistency: consistency)
        }

        /// Performs one action, as ``put(_:condition:returning:)`` and the other writes.
        ///
        /// A check alone is a consistent read.
        ///
        /// - Throws: ``CodexError/Code/unknownTable`` for another table's name.
        @discardableResult
        public func perform(
            _ action: WriteAction, returning: ReturnValues = .none
        ) async throws -> Item? {
            switch action {
            case .put(let table, let item, let condition):
                try requireName(table)
                return try await put(item, condition: condition, returning: returning)
            case .update(let table, let key, let update, let condition):
                try requireName(table)
                return try await self.update(
                    key, update, condition: condition, returning: returning)
            case .delete(let table, let key, let condition):
                try requireName(table)
                return try await delete(key, condition: condition, returning: returning)
            case .check(let table, let key, let condition):
                try requireName(table)
                try condition.validate()
                let item = try await get(key)
                guard condition.evaluate(item ?? Item()) else {
                    throw CodexError(
                        .conditionFailed, "The condition is false for the stored item.",
                        currentItem: item)
                }
                return nil
            }
        }

        /// Refuses the name of another table.
        ///
        /// - Throws: ``CodexError/Code/unknownTable``.
        func requireName(_ table: String) throws(CodexError) {
            guard ByteOrder.equal(table, name) else {
                throw CodexError(.unknownTable, "The call is of another table than \(name).")
            }
        }
    }
#endif
