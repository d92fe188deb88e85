#if Remote
    public import CodexCore

    extension RemoteTable {
        /// Connects to a table: asks the service for its keys and indexes, and for what the service
        /// can do.
        ///
        /// The options declare the capabilities (``RemoteOptions/capabilities``). Lists of actions,
        /// batches, the stream, the time to live and index keys of several attributes are asked
        /// for, with requests that change nothing. The promises of consistency cannot be asked for.
        ///
        /// ```swift
        /// let table = try await RemoteTable.connect(
        ///     to: definition, client, requiring: [.consistentItems, .conditionalWrites])
        /// ```
        ///
        /// - Parameters:
        ///   - definition: The table's name, keys and indexes.
        ///   - client: The client that sends the requests.
        ///   - needs: What the program needs of the service.
        /// - Returns: The table, with the capabilities that were found.
        /// - Throws: ``CodexError/Code/unknownTable``; ``CodexError/Code/schemaMismatch`` if the
        ///   table has other keys, lacks an index of the definition that the service can have, or
        ///   does not expire items by the attribute that the definition names;
        ///   ``CodexError/Code/unsupportedOperation`` with the name of each missing need; otherwise
        ///   as ``get(_:consistency:projection:)``.
        public static func connect(
            to definition: TableDefinition, _ client: RemoteClient,
            requiring needs: [TableCapabilities.Need] = []
        ) async throws -> RemoteTable {
            let declared = RemoteTable(definition, client)
            let description = try await declared.describe()
            let probe = CapabilityProbe(table: declared, description: description)
            let (capabilities, timeToLive) = try await probe.answers()
            try capabilities.require(needs)
            let design = RemoteTableDesign(definition, capabilities: capabilities)
            // A table may have a time to live that the definition does not name, as other indexes.
            let isExpiring = design.table.timeToLive != nil
            let problems = design.differences(from: description, timeToLive: timeToLive)
                .filter { $0.isOfKeys || isExpiring && $0.kind == .timeToLive }
            guard problems.isEmpty else {
                throw CodexError(
                    .schemaMismatch,
                    "The table differs from its definition: "
                        + problems.map(\.description).joined(separator: "; ")
                        + ". Change one of them.")
            }
            return RemoteTable(definition, client, capabilities: capabilities)
        }

        /// What the service tells of the table.
        ///
        /// - Returns: The description, without the time to live (``timeToLive()``).
        /// - Throws: ``CodexError/Code/unknownTable`` if it has no such table; otherwise as
        ///   ``get(_:consistency:projection:)``.
        public func describe() async throws -> RemoteTableDescription {
            let body = RequestWriter.body { $0.text("TableName", name) }
            let answer = try await client.send(
                RemoteRequest(operation: "DescribeTable", body: body, repetition: .read))
            guard let description = RemoteTableDescription(answer) else {
                throw CodexError(
                    .invalidResponse, "The description of the table is not of DynamoDB's protocol.")
            }
            return description
        }

        /// The attribute by which the table's items expire; `nil` if they do not.
        ///
        /// - Throws: ``CodexError/Code/unsupportedOperation`` if the service has no time to live;
        ///   otherwise as ``describe()``.
        public func timeToLive() async throws -> String? {
            let body = RequestWriter.body { $0.text("TableName", name) }
            let answer = try await client.send(
                RemoteRequest(operation: "DescribeTimeToLive", body: body, repetition: .read))
            return RemoteTableDescription.timeToLive(answer)
        }

        /// The time between two looks at a table that is being created, and the most looks.
        private static let creationPause: Duration = .seconds(1)
        private static let creationLookCountMax = 300
        /// The most looks for a table of which it is not known whether it was created.
        ///
        /// DescribeTable is eventually consistent. It usually knows a new table after some seconds.
        private static let unknownLookCountMax = 60

        /// Creates the table, waits until it can be used, and sets its time to live.
        ///
        /// - Parameters:
        ///   - hasStream: Whether the table gets a stream with both images.
        ///   - accepted: What may be missing. Other omissions are refused, and nothing is created.
        /// - Throws: ``CodexError/Code/unsupportedOperation`` for an omission that is not accepted;
        ///   ``CodexError/Code/inUse`` if the table exists; ``CodexError/Code/timedOut`` if it is
        ///   not ready after five minutes; ``CodexError/Code/outcomeUnknown`` if there was no
        ///   answer, and the looks at the table fail, or find none for a minute; otherwise as
        ///   ``describe()``.
        public func create(
            hasStream: Bool = true, accepting accepted: Set<RemoteTableDesign.Omission.Reason> = []
        ) async throws {
            let design = RemoteTableDesign(
                definition, capabilities: capabilities, hasStream: hasStream)
            try design.requireComplete(accepting: accepted)
            var lost: CodexError?
            do {
                _ = try await client.send(
                    RemoteRequest(
                        operation: "CreateTable", body: Array(design.creation.utf8),
                        // A second creation is refused as long as the table exists.
                        repetition: .fenced))
            } catch let error as CodexError where error.code == .outcomeUnknown {
                // The description tells whether the table was created.
                lost = error
            }
            let found = try await activeDescription(afterLost: lost)
            // Without an answer, it may be a table that was there before.
            guard lost == nil || design.differences(from: found).isEmpty else {
                throw Self.otherTable
            }
            try await setTimeToLive(design)
        }

        /// Sets the time to live of a design.
        ///
        /// - Throws: The errors of the request.
        private func setTimeToLive(_ design: RemoteTableDesign) async throws {
            guard let request = design.timeToLiveRequest else { return }
            do {
                _ = try await client.send(
                    RemoteRequest(
                        operation: "UpdateTimeToLive", body: Array(request.utf8),
                        // It is refused if it was applied.
                        repetition: .fenced))
            } catch let error as CodexError
                where error.code == .outcomeUnknown || error.code == .invalidArgument
            {
                // A service also refuses what is set already. If it does not tell, the error stays.
                let found = try? await timeToLive()
                guard found == design.table.timeToLive else { throw error }
            }
        }

        /// The error of a creation after which there is a table that is not as designed.
        private static var otherTable: CodexError {
            CodexError(
                .inUse,
                "There is a table of this name with other keys, indexes or stream. It was not "
                    + "changed. Choose another name, or correct the definition.")
        }

        /// The description of the table, once it can be used.
        ///
        /// - Parameter lost: The error of a creation without an answer; `nil` if the table was
        ///   created.
        /// - Returns: The description.
        /// - Throws: `lost`, if the looks do not tell whether there is a table;
        ///   ``CodexError/Code/timedOut``; the errors of the request.
        private func activeDescription(
            afterLost lost: CodexError?
        ) async throws -> RemoteTableDescription {
            var unknownCount = 0
            for _ in 0..<Self.creationLookCountMax {
                do {
                    if let found = try await descriptionIfKnown() {
                        if found.status == "ACTIVE" { return found }
                    } else {
                        unknownCount += 1
                        if let lost, unknownCount == Self.unknownLookCountMax { throw lost }
                    }
                    try await client.sleep(for: Self.creationPause)
                } catch {
                    // The error of a look does not tell whether the table was created.
                    if let lost { throw lost }
                    throw error
                }
            }
            throw CodexError(
                .timedOut, "The table is still being created. Look at its state, and try again.")
        }

        /// The description of the table; `nil` if the service does not know the table.
        ///
        /// - Throws: The other errors of the request.
        private func descriptionIfKnown() async throws -> RemoteTableDescription? {
            do {
                return try await describe()
            } catch CodexError.Code.unknownTable {
                return nil
            }
        }
    }

    /// Asks a service which operations it has.
    private struct CapabilityProbe {
        let table: RemoteTable
        let description: RemoteTableDescription

        /// The capabilities of the service, which are those that are declared, less those that it
        /// refuses; and the attribute by which the table's items expire, if the service tells.
        func answers() async throws -> (capabilities: TableCapabilities, timeToLive: String??) {
            var found = table.capabilities
            var timeToLive: String??
            if found.hasTransactions {
                let isThere = try await has("TransactWriteItems") {
                    $0.items("TransactItems", [Item]())
                }
                if !isThere {
                    found.transactionActionCountMax = 0
                    found.transactionByteCountMax = 0
                    found.idempotencySeconds = 0
                }
            }
            if found.batchReadCountMax > 1 {
                let isThere = try await has("BatchGetItem") { $0.object("RequestItems") { _ in } }
                if !isThere { found.batchReadCountMax = 0 }
            }
            if found.batchWriteCountMax > 1 {
                let isThere = try await has("BatchWriteItem") { $0.object("RequestItems") { _ in } }
                if !isThere { found.batchWriteCountMax = 0 }
            }
            if found.expiry != nil {
                do {
                    let attribute = try await table.timeToLive()
                    timeToLive = .some(attribute)
                } catch CodexError.Code.unsupportedOperation {
                    found.expiry = nil
                } catch CodexError.Code.invalidArgument {
                    // The service has the operation, and does not tell.
                }
            }
            // A table without a stream has none, also on a service that has streams.
            if let stream = description.stream {
                found.stream?.hasOldImages = stream.hasOldImages
                found.stream?.hasNewImages = stream.hasNewImages
            } else {
                found.stream = nil
            }
            if description.definition.indexes.contains(where: \.isComposite) {
                found.hasCompositeIndexKeys = true
            }
            return (found, timeToLive)
        }

        /// Whether the service has an operation.
        ///
        /// - Parameters:
        ///   - operation: The operation.
        ///   - members: Writes members with which the operation changes nothing.
        /// - Returns: `false` if the service does not know the operation.
        /// - Throws: As a request does, but for the two answers that tell it.
        private func has(
            _ operation: String, _ members: (inout RequestWriter) -> Void
        ) async throws -> Bool {
            do {
                _ = try await table.client.send(
                    RemoteRequest(
                        operation: operation, body: RequestWriter.body(members), repetition: .read))
                return true
            } catch CodexError.Code.unsupportedOperation {
                return false
            } catch CodexError.Code.invalidArgument {
                // An operation that the service has refuses an empty list.
                return true
            }
        }
    }
#endif
