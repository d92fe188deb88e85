#if Remote
    public import CodexCore

    extension RemoteTable {
        /// Performs all the actions, or none of them if a condition is false.
        ///
        /// The list has an idempotency token: each repetition within ten minutes is applied once.
        /// If the service does not know a token for longer than ``RetryPolicy/deadline``, the list
        /// is not repeated after a lost answer.
        ///
        /// - Parameters:
        ///   - actions: At most ``DynamoDBLimits/transactionActionCountMax`` actions of the table.
        ///   - token: The token, 1 to ``DynamoDBLimits/idempotencyTokenByteCountMax`` bytes; `nil`
        ///     is a new one.
        /// - Throws: ``CodexError/Code/transactionCancelled`` with the reason of each action;
        ///   ``CodexError/Code/writeConflict``; ``CodexError/Code/idempotencyMismatch``;
        ///   ``CodexError/Code/transactionTooLarge``; ``CodexError/Code/unsupportedOperation`` if
        ///   the service has no transactions; ``CodexError/Code/outcomeUnknown`` if no attempt had
        ///   an answer.
        public func transact(
            _ actions: [WriteAction], idempotencyToken token: String? = nil
        ) async throws {
            guard !actions.isEmpty else { return }
            try requireCount(actions.count)
            try requireRoom(for: actions)
            let token = token ?? client.parts.token()
            let byteCounts = 1...DynamoDBLimits.idempotencyTokenByteCountMax
            guard byteCounts.contains(token.utf8.count) else {
                throw CodexError(
                    .invalidArgument,
                    "An idempotency token has 1 to \(DynamoDBLimits.idempotencyTokenByteCountMax) "
                        + "bytes.")
            }
            let prepared = try actions.map { action throws(CodexError) in
                try PreparedAction(action, self)
            }
            let body = RequestWriter.body { body in
                body.objects("TransactItems", prepared) { item, action in
                    action.write(to: &item, table: name)
                }
                body.text("ClientRequestToken", token)
            }
            _ = try await client.send(
                RemoteRequest(
                    operation: "TransactWriteItems", body: body,
                    repetition: knowsTokens ? .token : .never))
        }

        /// The items with keys, as of one moment.
        ///
        /// - Parameter keys: At most ``DynamoDBLimits/transactionActionCountMax`` keys.
        /// - Returns: The items in the order of the keys; `nil` for an absent one.
        /// - Throws: ``CodexError/Code/writeConflict`` if others kept changing the items; otherwise
        ///   as ``get(_:consistency:projection:)``.
        public func transactionalGet(_ keys: [PrimaryKey]) async throws -> [Item?] {
            guard !keys.isEmpty else { return [] }
            try requireCount(keys.count)
            let attributes = try keys.map { key throws(CodexError) in
                try self.attributes(of: key)
            }
            let body = RequestWriter.body { body in
                body.objects("TransactItems", attributes) { item, key in
                    item.object("Get") { get in
                        get.text("TableName", name)
                        get.item("Key", key)
                    }
                }
            }
            let request = RemoteRequest(
                operation: "TransactGetItems", body: body, repetition: .read)
            return try await client.send(request) { answer in
                let nodes = answer["Responses"]?.elements ?? []
                guard nodes.count == keys.count else { throw Self.otherCount }
                return try zip(nodes, attributes).map { node, key in
                    let item = try Self.item(ifPresent: node["Item"])
                    if let item { try Self.requireAsked(item, for: key, mayLack: false) }
                    return item
                }
            }
        }

        private func requireCount(_ count: Int) throws(CodexError) {
            try capabilities.require(.transactions(actionCount: 1))
            guard count <= capabilities.transactionActionCountMax else {
                throw CodexError(
                    .transactionTooLarge,
                    "A transaction has at most \(capabilities.transactionActionCountMax) actions; "
                        + "this one has \(count). Split it.")
            }
        }

        /// Refuses items that are too large together.
        ///
        /// The items of updates and deletions count with what is known: their keys, and the values
        /// that an update gives them. The service knows the rest.
        private func requireRoom(for actions: [WriteAction]) throws(CodexError) {
            let byteCountMax = capabilities.transactionByteCountMax
            var byteCount = 0
            for action in actions {
                switch action {
                case .put(_, let item, _): byteCount += item.byteCount
                case .update(_, let key, let update, _):
                    byteCount += definition.attributes(of: key).byteCount + update.givenByteCount
                case .delete(_, let key, _), .check(_, let key, _):
                    byteCount += definition.attributes(of: key).byteCount
                }
            }
            // Capabilities that are declared by hand may lack the number of bytes.
            guard byteCountMax == 0 || byteCount <= byteCountMax else {
                throw CodexError(
                    .transactionTooLarge,
                    "The items of a transaction have at most \(byteCountMax) bytes together; these "
                        + "have \(byteCount). Split it.")
            }
        }

        /// The error of an answer that has another number of items than its request.
        static var otherCount: CodexError {
            CodexError(
                .invalidResponse, "The answer has another number of items than the request.")
        }
    }

    extension Update {
        /// The bytes of the values that an item has after the update, at least.
        fileprivate var givenByteCount: Int {
            clauses.reduce(0) { sum, clause in
                switch clause {
                case .set(_, .operand(let operand)): sum + operand.givenByteCount
                case .add(_, let value): sum + (value.type == .number ? 0 : value.byteCount)
                case .set, .remove, .delete: sum
                }
            }
        }
    }

    extension Update.Operand {
        /// The bytes of the literals that are in the result in any case.
        fileprivate var givenByteCount: Int {
            switch self {
            case .value(let value): value.byteCount
            // A joined list has the three bytes of a list once.
            case .listAppend(let left, let right):
                max(0, left.givenByteCount + right.givenByteCount - 3)
            case .path, .ifNotExists: 0
            }
        }
    }

    /// A checked action of a list.
    private struct PreparedAction {
        private let action: WriteAction
        /// The attributes of the key; empty for a put.
        private var key = Item()
        private let expressions: ExpressionWriter
        /// The update in DynamoDB's language.
        private var update = ""
        /// The condition in DynamoDB's language; `nil` is none.
        private let condition: String?

        /// Checks an action.
        ///
        /// - Throws: ``CodexError/Code/unknownTable`` for another table,
        ///   ``CodexError/Code/invalidKey``, and ``CodexError/Code/invalidExpression``, also for an
        ///   expression that is too long.
        init(_ action: WriteAction, _ table: RemoteTable) throws(CodexError) {
            self.action = action
            let name: String
            let condition: Condition?
            switch action {
            case .put(let table, _, let given), .update(let table, _, _, let given),
                .delete(let table, _, let given):
                name = table
                condition = given
            case .check(let table, _, let given):
                name = table
                condition = given
            }
            try table.requireName(name)
            try condition?.validate()
            var expressions = ExpressionWriter()
            switch action {
            case .put(_, let item, _): _ = try table.definition.primaryKey(of: item)
            case .update(_, let key, let update, _):
                try update.validate()
                self.key = try table.attributes(of: key)
                self.update = expressions.update(update)
            case .delete(_, let key, _), .check(_, let key, _):
                self.key = try table.attributes(of: key)
            }
            self.condition = condition.map { expressions.condition($0) }
            try expressions.requireLengths()
            self.expressions = expressions
        }

        /// Writes the members of the action's object.
        func write(to writer: inout RequestWriter, table: String) {
            switch action {
            case .put(_, let item, _):
                write("Put", table, to: &writer) { $0.item("Item", item) }
            case .update:
                write("Update", table, to: &writer) { body in
                    body.item("Key", key)
                    body.text("UpdateExpression", update)
                }
            case .delete: write("Delete", table, to: &writer) { $0.item("Key", key) }
            case .check: write("ConditionCheck", table, to: &writer) { $0.item("Key", key) }
            }
        }

        private func write(
            _ name: String, _ table: String, to writer: inout RequestWriter,
            _ members: (inout RequestWriter) -> Void
        ) {
            writer.object(name) { body in
                body.text("TableName", table)
                members(&body)
                if let condition {
                    body.text("ConditionExpression", condition)
                    body.text("ReturnValuesOnConditionCheckFailure", "ALL_OLD")
                }
                expressions.write(to: &body)
            }
        }
    }
#endif
