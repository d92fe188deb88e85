#if Remote
    public import CodexCore

    /// A table of a service that speaks DynamoDB's API: items, updates, batches and transactions.
    ///
    /// Reads by key see all completed writes, and queries and scans may miss some, unless the call
    /// says otherwise. By default, a write is never applied twice without an error that says so: an
    /// attempt without an answer is repeated only with an idempotency token. Otherwise the call
    /// throws ``CodexError/Code/outcomeUnknown``. ``RemoteOptions/guardedWrites`` chooses what
    /// happens to writes with a condition that they themselves make false.
    /// ``RemoteOptions/repeatsOverwrites`` does so for writes without a condition.
    public struct RemoteTable: Sendable {
        /// The table's name, keys and indexes.
        ///
        /// Counters, and what DynamoDB does not know of indexes, are ignored.
        public let definition: TableDefinition
        /// The client that sends the requests.
        public let client: RemoteClient
        /// What the service can do, as ``connect(to:_:requiring:)`` found it, or as it is declared.
        public let capabilities: TableCapabilities

        /// Names a table of a service; nothing is sent.
        ///
        /// - Parameters:
        ///   - definition: The table's name, keys and indexes.
        ///   - client: The client that sends the requests.
        ///   - capabilities: What the service can do; `nil` is ``RemoteOptions/capabilities``.
        public init(
            _ definition: TableDefinition, _ client: RemoteClient,
            capabilities: TableCapabilities? = nil
        ) {
            (self.definition, self.client) = (definition, client)
            self.capabilities = capabilities ?? client.options.capabilities
        }

        var name: String { definition.name }

        /// Whether the service applies all attempts of a list with one token once.
        var knowsTokens: Bool {
            client.options.retries.deadline < .seconds(capabilities.idempotencySeconds)
        }

        /// The item with a key, or `nil`.
        ///
        /// - Parameters:
        ///   - key: The key.
        ///   - consistency: Which writes the read sees; a consistent one takes twice the units.
        ///   - projection: The parts of the item to return; `nil` is all.
        /// - Returns: The item.
        /// - Throws: ``CodexError``, with a ``RemoteFailure`` as its cause.
        public func get(
            _ key: PrimaryKey, consistency: ReadConsistency = .consistent,
            projection: Projection? = nil
        ) async throws -> Item? {
            let attributes = try self.attributes(of: key)
            var expressions = ExpressionWriter()
            let parts = projection.map { expressions.projection($0) }
            try expressions.requireLengths()
            let body = RequestWriter.body { body in
                body.text("TableName", name)
                body.item("Key", attributes)
                if consistency == .consistent { body.flag("ConsistentRead", true) }
                if let parts { body.text("ProjectionExpression", parts) }
                expressions.write(to: &body)
            }
            let request = RemoteRequest(operation: "GetItem", body: body, repetition: .read)
            return try await client.send(request) { answer in
                let item = try Self.item(ifPresent: answer["Item"])
                if let item {
                    try Self.requireAsked(item, for: attributes, mayLack: projection != nil)
                }
                return item
            }
        }

        /// Stores an item, and replaces any item with the same key.
        ///
        /// - Parameters:
        ///   - item: The item.
        ///   - condition: The condition on the stored item.
        ///   - returning: Nothing, or the item as it was.
        /// - Returns: The item that `returning` asks for.
        /// - Throws: ``CodexError/Code/conditionFailed``; ``CodexError/Code/outcomeUnknown`` if no
        ///   answer came and a repetition could be applied twice; otherwise as
        ///   ``get(_:consistency:projection:)``.
        @discardableResult
        public func put(
            _ item: Item, condition: Condition? = nil, returning: ReturnValues = .none
        ) async throws -> Item? {
            try await put(
                item, condition: condition, returning: returning,
                repeatedAs: .put(item, condition))
        }

        /// Stores an item, as ``put(_:condition:returning:)``.
        ///
        /// - Parameters:
        ///   - item: The item.
        ///   - condition: The condition on the stored item.
        ///   - returning: Nothing, or the item as it was.
        ///   - repetition: Whether it may be repeated.
        /// - Returns: The item that `returning` asks for.
        /// - Throws: As ``put(_:condition:returning:)``.
        @discardableResult
        func put(
            _ item: Item, condition: Condition?, returning: ReturnValues,
            repeatedAs repetition: Repetition
        ) async throws -> Item? {
            let returning = try Self.oldOrNone(returning)
            try condition?.validate()
            _ = try definition.primaryKey(of: item)
            if goesAsList(repetition, returning) {
                return try await transactAlone(.put(table: name, item, condition: condition))
            }
            return try await write("PutItem", of: item, repetition, condition, returning) {
                body, _ in
                body.item("Item", item)
            }
        }

        /// Changes attributes of an item, or creates it with them.
        ///
        /// An update that adds to what is there is sent as a list of one action, if the service has
        /// transactions and tokens, and the update returns nothing.
        ///
        /// - Parameters:
        ///   - key: The key.
        ///   - update: The changes.
        ///   - condition: The condition on the stored item.
        ///   - returning: What to return.
        /// - Returns: The attributes that `returning` asks for.
        /// - Throws: As ``put(_:condition:returning:)``.
        @discardableResult
        public func update(
            _ key: PrimaryKey, _ update: Update, condition: Condition? = nil,
            returning: ReturnValues = .none
        ) async throws -> Item? {
            try await self.update(
                key, update, condition: condition, returning: returning,
                repeatedAs: .update(update, condition, key: try attributes(of: key)))
        }

        /// Changes attributes of an item, as ``update(_:_:condition:returning:)``.
        ///
        /// - Parameters:
        ///   - key: The key.
        ///   - update: The changes.
        ///   - condition: The condition on the stored item.
        ///   - returning: What to return.
        ///   - repetition: Whether it may be repeated.
        /// - Returns: The attributes that `returning` asks for.
        /// - Throws: As ``put(_:condition:returning:)``.
        @discardableResult
        func update(
            _ key: PrimaryKey, _ update: Update, condition: Condition?, returning: ReturnValues,
            repeatedAs repetition: Repetition
        ) async throws -> Item? {
            try update.validate()
            try condition?.validate()
            let attributes = try self.attributes(of: key)
            if goesAsList(repetition, returning) {
                return try await transactAlone(
                    .update(table: name, key: key, update, condition: condition))
            }
            return try await write("UpdateItem", of: attributes, repetition, condition, returning) {
                body, expressions in
                body.item("Key", attributes)
                body.text("UpdateExpression", expressions.update(update))
            }
        }

        /// Removes an item; removing an absent one is not an error.
        ///
        /// - Parameters:
        ///   - key: The key.
        ///   - condition: The condition on the stored item.
        ///   - returning: Nothing, or the item as it was.
        /// - Returns: The item that `returning` asks for.
        /// - Throws: As ``put(_:condition:returning:)``.
        @discardableResult
        public func delete(
            _ key: PrimaryKey, condition: Condition? = nil, returning: ReturnValues = .none
        ) async throws -> Item? {
            try await delete(
                key, condition: condition, returning: returning,
                repeatedAs: .deletion(condition))
        }

        /// Removes an item, as ``delete(_:condition:returning:)``.
        ///
        /// - Parameters:
        ///   - key: The key.
        ///   - condition: The condition on the stored item.
        ///   - returning: Nothing, or the item as it was.
        ///   - repetition: Whether it may be repeated.
        /// - Returns: The item that `returning` asks for.
        /// - Throws: As ``put(_:condition:returning:)``.
        @discardableResult
        func delete(
            _ key: PrimaryKey, condition: Condition?, returning: ReturnValues,
            repeatedAs repetition: Repetition
        ) async throws -> Item? {
            let returning = try Self.oldOrNone(returning)
            try condition?.validate()
            let attributes = try self.attributes(of: key)
            if goesAsList(repetition, returning) {
                return try await transactAlone(.delete(table: name, key: key, condition: condition))
            }
            return try await write("DeleteItem", of: attributes, repetition, condition, returning) {
                body, _ in
                body.item("Key", attributes)
            }
        }

        // MARK: Lists of one action

        /// Whether a write goes as a list of one action, whose token makes repetitions safe.
        private func goesAsList(_ repetition: Repetition, _ returning: ReturnValues) -> Bool {
            guard returning == .none, capabilities.hasTransactions, knowsTokens else {
                return false
            }
            return repetition == .never
                || repetition == .guarded && client.options.guardedWrites == .transactional
        }

        /// Performs a list of one action.
        ///
        /// - Returns: Nothing.
        private func transactAlone(_ action: WriteAction) async throws -> Item? {
            do {
                try await transact([action])
                return nil
            } catch let error as CodexError {
                throw error.ofOnlyAction
            }
        }

        // MARK: Parts of requests

        /// The attributes of a key.
        ///
        /// - Throws: ``CodexError/Code/invalidKey`` if the key lacks the sort key, or has one too
        ///   many.
        func attributes(of key: PrimaryKey) throws(CodexError) -> Item {
            guard (key.sort == nil) == (definition.sortKey == nil) else {
                let article = definition.sortKey == nil ? "no" : "a"
                throw CodexError(.invalidKey, "A key of table \(name) has \(article) sort key.")
            }
            return definition.attributes(of: key)
        }

        /// An item of an answer.
        ///
        /// - Throws: ``CodexError/Code/invalidResponse``.
        static func item(_ node: JSONNode) throws(CodexError) -> Item {
            do {
                return try DynamoDBJSON.item(node)
            } catch {
                throw CodexError(
                    .invalidResponse, "An item of the answer is not of DynamoDB's protocol.",
                    cause: error)
            }
        }

        /// Refuses an item of an answer that is not the one that was asked for.
        ///
        /// - Parameters:
        ///   - item: The item.
        ///   - key: The values of key attributes that were asked for.
        ///   - mayLack: Whether the item may lack them, since a projection leaves them out.
        /// - Throws: ``CodexError/Code/invalidResponse``.
        static func requireAsked(
            _ item: Item, for key: Item, mayLack: Bool
        ) throws(CodexError) {
            for element in key {
                let value = item[element.name]
                guard value == element.value || value == nil && mayLack else { throw otherItem }
            }
        }

        /// The error of an item that was not asked for: the one that was would count as absent.
        static var otherItem: CodexError {
            CodexError(
                .invalidResponse,
                "The answer has an item that was not asked for. Look at the endpoint, and at "
                    + "proxies before it. A write may have been applied.")
        }

        /// An item of an answer; `nil` if the answer has none.
        ///
        /// - Throws: ``CodexError/Code/invalidResponse``.
        static func item(ifPresent node: JSONNode?) throws(CodexError) -> Item? {
            guard let node else { return nil }
            return try item(node)
        }

        private static func oldOrNone(
            _ returning: ReturnValues
        ) throws(CodexError) -> ReturnValues {
            guard returning == .none || returning == .allOld else {
                throw CodexError(
                    .invalidArgument, "A put or a deletion returns nothing, or the old item.")
            }
            return returning
        }

        /// Sends a write of one item.
        ///
        /// - Parameters:
        ///   - operation: The operation.
        ///   - key: The attributes of the key, among others.
        ///   - repetition: Whether it may be repeated.
        ///   - condition: The condition on the stored item.
        ///   - returning: What to return.
        ///   - members: Writes the members that the operation alone has.
        /// - Returns: The attributes that `returning` asks for.
        /// - Throws: As ``put(_:condition:returning:)``.
        private func write(
            _ operation: String, of key: Item, _ repetition: Repetition, _ condition: Condition?,
            _ returning: ReturnValues,
            _ members: (inout RequestWriter, inout ExpressionWriter) -> Void
        ) async throws -> Item? {
            var expressions = ExpressionWriter()
            let body = RequestWriter.body { body in
                body.text("TableName", name)
                members(&body, &expressions)
                if let condition {
                    body.text("ConditionExpression", expressions.condition(condition))
                    body.text("ReturnValuesOnConditionCheckFailure", "ALL_OLD")
                }
                expressions.write(to: &body)
                if returning != .none { body.text("ReturnValues", returning.protocolName) }
            }
            try expressions.requireLengths()
            // Each update reads the item first.
            let affinity = client.affinity(
                of: key[definition.partitionKey.name],
                readsItem: condition != nil || returning != .none || operation == "UpdateItem")
            let request = RemoteRequest(
                operation: operation, body: body, repetition: repetition, affinity: affinity)
            let asked = Item(
                definition.keyAttributes.compactMap { attribute in
                    key[attribute.name].map { (attribute.name, $0) }
                })
            return try await client.send(request) { answer in
                let item = try Self.item(ifPresent: answer["Attributes"])
                // Without the others, the attributes that an update changes have no key.
                if let item { try Self.requireAsked(item, for: asked, mayLack: true) }
                return item
            }
        }
    }

    extension ReturnValues {
        /// The name in DynamoDB's protocol.
        fileprivate var protocolName: String {
            switch self {
            case .none: "NONE"
            case .allOld: "ALL_OLD"
            case .allNew: "ALL_NEW"
            case .updatedOld: "UPDATED_OLD"
            case .updatedNew: "UPDATED_NEW"
            }
        }
    }
#endif
