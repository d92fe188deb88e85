#if Remote
    public import CodexCore

    /// A write of a batch.
    public enum BatchWrite: Sendable, Hashable {
        /// Stores an item, and replaces any item with the same key.
        case put(Item)
        /// Removes an item.
        case delete(PrimaryKey)
    }

    extension RemoteTable {
        /// The items with keys, in requests of at most 100
        /// (``TableCapabilities/batchReadCountMax``).
        ///
        /// What the service does not process at once is asked for again, with pauses. A service
        /// without batches gets a request for each key.
        ///
        /// - Parameters:
        ///   - keys: Any number of keys, each once.
        ///   - consistency: Which writes the read of each item sees.
        /// - Returns: The items in the order of the keys; `nil` for an absent one.
        /// - Throws: ``CodexError/Code/duplicateTarget``; ``CodexError/Code/throttled`` if the
        ///   service leaves keys unprocessed; otherwise as ``get(_:consistency:projection:)``.
        public func batchGet(
            _ keys: [PrimaryKey], consistency: ReadConsistency = .consistent
        ) async throws -> [Item?] {
            let places = try Self.places(of: keys)
            var items = [Item?](repeating: nil, count: keys.count)
            guard capabilities.batchReadCountMax > 1 else {
                for (place, key) in keys.enumerated() {
                    items[place] = try await get(key, consistency: consistency)
                }
                return items
            }
            try await inRounds(keys.count, capabilities.batchReadCountMax) { part in
                let attributes = try part.map { place throws(CodexError) in
                    try self.attributes(of: keys[place])
                }
                let body = RequestWriter.body { body in
                    body.object("RequestItems") { tables in
                        tables.object(name) { table in
                            table.items("Keys", attributes)
                            if consistency == .consistent { table.flag("ConsistentRead", true) }
                        }
                    }
                }
                let request = RemoteRequest(
                    operation: "BatchGetItem", body: body, repetition: .read)
                let answer = try await client.send(request) { answer in
                    // DynamoDB sends both objects, also if they are empty.
                    guard case .object? = answer["Responses"],
                        case .object? = answer["UnprocessedKeys"]
                    else { throw Self.incompleteBatch }
                    let found = try (answer["Responses"]?[name]?.elements ?? []).map { node in
                        try Self.item(node)
                    }
                    let rest = answer["UnprocessedKeys"]?[name]?["Keys"]?.elements ?? []
                    return (found: found, rest: try rest.map { try place(of: $0, in: places) })
                }
                for item in answer.found {
                    guard let key = try? definition.primaryKey(of: item), let place = places[key]
                    else { throw Self.otherItem }
                    items[place] = item
                }
                return answer.rest
            }
            return items
        }

        /// Performs writes of items, each by itself, in requests of at most 25
        /// (``TableCapabilities/batchWriteCountMax``).
        ///
        /// What the service does not process at once is sent again, with pauses. If an error is
        /// thrown, writes before it may have been applied.
        ///
        /// - Parameter writes: Any number of writes, each of another item.
        /// - Throws: ``CodexError/Code/duplicateTarget``; ``CodexError/Code/throttled`` if the
        ///   service leaves writes unprocessed (``RemoteFailure/unprocessed`` of the cause has
        ///   their indexes); ``CodexError/Code/outcomeUnknown`` if a request had no answer and
        ///   ``RemoteOptions/repeatsOverwrites`` is off; ``CodexError/Code/unsupportedOperation``
        ///   if the service has no batches; otherwise as ``put(_:condition:returning:)``.
        public func batchWrite(_ writes: [BatchWrite]) async throws {
            try capabilities.require(.batchWrites)
            let places = try Self.places(
                of: try writes.map { write throws(CodexError) -> PrimaryKey in
                    switch write {
                    case .put(let item): try definition.primaryKey(of: item)
                    case .delete(let key): key
                    }
                })
            let bodies = try writes.map { write throws(CodexError) -> (isPut: Bool, item: Item) in
                switch write {
                case .put(let item): (true, item)
                case .delete(let key): (false, try attributes(of: key))
                }
            }
            try await inRounds(writes.count, capabilities.batchWriteCountMax) { part in
                let body = RequestWriter.body { body in
                    body.object("RequestItems") { tables in
                        tables.objects(name, part) { element, place in
                            let write = bodies[place]
                            element.object(write.isPut ? "PutRequest" : "DeleteRequest") {
                                $0.item(write.isPut ? "Item" : "Key", write.item)
                            }
                        }
                    }
                }
                let request = RemoteRequest(
                    operation: "BatchWriteItem", body: body, repetition: .overwrite)
                return try await client.send(request) { answer in
                    guard case .object? = answer["UnprocessedItems"] else {
                        throw Self.incompleteBatch
                    }
                    let rest = answer["UnprocessedItems"]?[name]?.elements ?? []
                    return try rest.map { node in
                        let item = node["PutRequest"]?["Item"] ?? node["DeleteRequest"]?["Key"]
                        return try place(of: item, in: places)
                    }
                }
            }
        }

        /// The error of an answer that does not tell what the service left unprocessed.
        private static var incompleteBatch: CodexError {
            CodexError(
                .invalidResponse,
                "The answer does not tell which elements of the batch were processed. Look at the "
                    + "endpoint, and at proxies before it. Writes may have been applied.")
        }

        /// The index of an element that the service left unprocessed.
        ///
        /// - Throws: ``CodexError/Code/invalidResponse`` if the batch has no such element. If it
        ///   were passed over, the element would count as processed.
        private func place(
            of node: JSONNode?, in places: [PrimaryKey: Int]
        ) throws(CodexError) -> Int {
            guard let node, let key = try? definition.primaryKey(of: try Self.item(node)),
                let place = places[key]
            else {
                throw CodexError(
                    .invalidResponse,
                    "The answer leaves an element unprocessed that the batch does not have.")
            }
            return place
        }

        /// The index of each key.
        private static func places(of keys: [PrimaryKey]) throws(CodexError) -> [PrimaryKey: Int] {
            var places: [PrimaryKey: Int] = [:]
            for (place, key) in keys.enumerated() {
                guard places.updateValue(place, forKey: key) == nil else {
                    throw CodexError(
                        .duplicateTarget,
                        "The batch names one item twice, at index \(place) the second time. Keep "
                            + "one of them.")
                }
            }
            return places
        }

        /// Sends elements in parts until all are processed.
        ///
        /// - Parameters:
        ///   - count: The number of elements.
        ///   - partCount: The most elements of a request.
        ///   - send: Sends the elements with indexes, and returns those that the service left
        ///     unprocessed.
        /// - Throws: ``CodexError/Code/throttled`` if the service processes nothing in as many
        ///   rounds as the policy has attempts; ``CodexError/Code/invalidResponse`` if it names an
        ///   element that it did not get; the errors of `send`.
        private func inRounds(
            _ count: Int, _ partCount: Int, _ send: ([Int]) async throws -> [Int]
        ) async throws {
            let policy = client.options.retries
            var next = 0
            var rest: [Int] = []
            var idleCount = 0
            while next < count || !rest.isEmpty {
                let room = max(0, min(count - next, partCount - rest.count))
                let part = rest + Array(next..<(next + room))
                next += room
                let left = Set(try await send(part))
                guard left.isSubset(of: part) else { throw Self.otherElements }
                rest = part.filter { left.contains($0) }
                guard !rest.isEmpty else {
                    idleCount = 0
                    continue
                }
                // Some progress begins the pauses again.
                idleCount = rest.count < part.count ? 1 : idleCount + 1
                guard idleCount < policy.attemptCountMax else {
                    throw Self.unprocessed(rest + Array(next..<count), attemptCount: idleCount)
                }
                try await client.sleep(
                    for: policy.pause(after: idleCount, random: client.parts.random()))
            }
        }

        private static var otherElements: CodexError {
            CodexError(
                .invalidResponse,
                "The answer leaves elements unprocessed that the request does not have.")
        }

        private static func unprocessed(_ elements: [Int], attemptCount: Int) -> CodexError {
            var failure = RemoteFailure(.throttled)
            failure.attemptCount = attemptCount
            failure.unprocessed = elements.sorted()
            return CodexError(
                .throttled,
                "The service leaves \(elements.count) elements of the batch unprocessed. Send them "
                    + "later, send fewer at once, or raise the capacity of the table.",
                cause: failure)
        }
    }
#endif
