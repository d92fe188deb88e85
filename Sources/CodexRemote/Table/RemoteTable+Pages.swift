#if Remote
    public import CodexCore

    extension RemoteTable {
        /// A page of a query's results.
        ///
        /// - Parameters:
        ///   - query: A query of the table. Its entity is ignored: a service has no entities.
        ///   - limits: The limits of the page. Without limits, the whole result is read.
        ///   - token: The ``Page/next`` of the page before; `nil` is the first page.
        ///   - consistency: Which writes the read sees.
        /// - Returns: The items, and a token if there may be more.
        /// - Throws: ``CodexError/Code/unknownIndex``, ``CodexError/Code/invalidKey``,
        ///   ``CodexError/Code/invalidPageToken``; ``CodexError/Code/unsupportedOperation`` for a
        ///   consistent query of a global index, and for an index with a key of several attributes
        ///   if the service has none; otherwise as ``get(_:consistency:projection:)``.
        public func items(
            matching query: TableQuery, limits: PageLimits = PageLimits(),
            after token: PageToken? = nil, consistency: ReadConsistency = .eventual
        ) async throws -> Page<Item> {
            try requireName(query.table)
            try query.filter?.validate()
            let index = try self.index(query.index)
            try requireConsistent(consistency, index)
            var expressions = ExpressionWriter()
            let partition = index?.partitionKey ?? [definition.partitionKey]
            let sort: [KeyAttribute] =
                index?.sortKey ?? definition.sortKey.map { [$0] } ?? []
            let keyCondition = expressions.keyCondition(query, partition: partition, sort: sort)
            guard let keyCondition else {
                throw CodexError(
                    .invalidKey,
                    "The query has other numbers of values than the key of "
                        + "\(query.index ?? "table \(name)").")
            }
            let filter = query.filter.map { expressions.condition($0) }
            let projection = query.projection.map { expressions.projection($0) }
            let read = PagedRead(
                operation: "Query", table: name, index: query.index, keyCondition: keyCondition,
                filter: filter, projection: projection, expressions: expressions,
                isBackward: query.direction == .backward,
                isConsistent: consistency == .consistent)
            let page = try await self.page(of: read, index, limits, after: token)
            let asked = Item(
                zip((partition + sort).map(\.name), query.partition + query.equalSortValues))
            // An item of the table has its key. Not all services project that of an index.
            let mayLack = projection != nil || index != nil
            for item in page.items { try Self.requireAsked(item, for: asked, mayLack: mayLack) }
            return page
        }

        /// A page of a scan's items.
        ///
        /// - Parameters:
        ///   - scan: The scan.
        ///   - limits: The limits of the page. Without limits, the whole table is read.
        ///   - token: The ``Page/next`` of the page before; `nil` is the first page.
        ///   - consistency: Which writes the read sees.
        /// - Returns: The items, and a token if there may be more.
        /// - Throws: As ``items(matching:limits:after:consistency:)``.
        public func items(
            scanning scan: RemoteScan, limits: PageLimits = PageLimits(),
            after token: PageToken? = nil, consistency: ReadConsistency = .eventual
        ) async throws -> Page<Item> {
            try scan.filter?.validate()
            let index = try self.index(scan.index)
            try requireConsistent(consistency, index)
            var expressions = ExpressionWriter()
            let filter = scan.filter.map { expressions.condition($0) }
            let projection = scan.projection.map { expressions.projection($0) }
            let read = PagedRead(
                operation: "Scan", table: name, index: scan.index, keyCondition: nil,
                filter: filter, projection: projection, expressions: expressions,
                segment: scan.segment, isConsistent: consistency == .consistent)
            return try await page(of: read, index, limits, after: token)
        }

        /// Refuses a consistent read of an index that can only be a global one.
        private func requireConsistent(
            _ consistency: ReadConsistency, _ index: IndexDefinition?
        ) throws(CodexError) {
            guard consistency == .consistent, let index else { return }
            // A local index has the table's partition key, and one more attribute.
            let mayBeLocal =
                index.partitionKey == [definition.partitionKey] && index.sortKey.count == 1
            if !mayBeLocal { try capabilities.require(.consistentIndexQueries) }
        }

        private func index(_ name: String?) throws(CodexError) -> IndexDefinition? {
            guard let name else { return nil }
            guard let index = definition.indexes.first(where: { $0.name == name }) else {
                throw CodexError(
                    .unknownIndex,
                    "The definition of table \(self.name) has no index \(name.abbreviated()).")
            }
            if index.isComposite { try capabilities.require(.compositeIndexKeys) }
            return index
        }

        private func page(
            of read: PagedRead, _ index: IndexDefinition?, _ limits: PageLimits,
            after token: PageToken?
        ) async throws -> Page<Item> {
            guard limits.returned ?? 1 > 0, limits.examined ?? 1 > 0 else {
                throw CodexError(.invalidArgument, "The limits of a page are above zero.")
            }
            try read.expressions.requireLengths()
            var start = try token.map { token throws(CodexError) in try read.key(in: token) }
            var found: [Item] = []
            var examinedCount = 0
            repeat {
                let wanted = limits.returned.map { $0 - found.count }
                let allowed = limits.examined.map { $0 - examinedCount }
                // With a filter, more are examined than returned. Without the keys of the last item
                // that is returned, a page cannot be cut after it.
                let isCut = read.filter != nil && read.projection == nil
                let limit = [isCut ? nil : wanted, allowed].compactMap { $0 }.min()
                let request = RemoteRequest(
                    operation: read.operation, body: read.body(limit: limit, after: start),
                    repetition: .read)
                let answer = try await client.send(request) { try Answer($0) }
                let items = answer.items
                // The number is the service's: it must not cause a trap.
                let count = max(items.count, answer.scannedCount)
                examinedCount += min(count, Int.max - examinedCount)
                if let wanted, items.count > wanted {
                    found += items.prefix(wanted)
                    return Page(
                        items: found, next: read.token(after: keys(of: items[wanted - 1], index)),
                        examinedCount: examinedCount)
                }
                found += items
                guard answer.last == nil || answer.last != start else {
                    throw Self.standingPage
                }
                start = answer.last
            } while start != nil && limits.returned.map { found.count < $0 } ?? true
                && limits.examined.map { examinedCount < $0 } ?? true
            return Page(
                items: found, next: start.map { read.token(after: $0) },
                examinedCount: examinedCount)
        }

        /// What an answer to Query or Scan has.
        private struct Answer: Sendable {
            let items: [Item]
            let scannedCount: Int
            let last: Item?

            /// Reads an answer.
            ///
            /// - Throws: ``CodexError/Code/invalidResponse`` if the items, or their number, is
            ///   missing or wrong: DynamoDB always sends both. Without them, an answer of another
            ///   server would look like an empty result.
            init(_ node: JSONNode) throws(CodexError) {
                guard case .array(let nodes)? = node["Items"], node["Count"]?.integer == nodes.count
                else {
                    throw CodexError(
                        .invalidResponse,
                        "The answer has no items with their number. Look at the endpoint, and at "
                            + "proxies before it.")
                }
                items = try nodes.map { node throws(CodexError) in try RemoteTable.item(node) }
                scannedCount = node["ScannedCount"]?.integer ?? 0
                last = try RemoteTable.item(ifPresent: node["LastEvaluatedKey"])
            }
        }

        /// The error of a page that ends where it begins: the pages would never end.
        private static var standingPage: CodexError {
            CodexError(
                .invalidResponse,
                "The page of the answer ends at the key after which it begins, and others follow.")
        }

        /// The attributes of an item that are its keys in the table and in an index.
        private func keys(of item: Item, _ index: IndexDefinition?) -> Item {
            let attributes = definition.keyAttributes + (index?.keyAttributes ?? [])
            let names = Set(attributes.map(\.name))
            return Item(
                item.elements.filter { names.contains($0.name) }.map { ($0.name, $0.value) })
        }
    }

    extension TableQuery {
        /// The values that the leading sort key attributes of each result equal.
        fileprivate var equalSortValues: [AttributeValue] {
            guard case .equal(let value) = sort else { return sortPrefix }
            return sortPrefix + [value]
        }
    }
#endif
