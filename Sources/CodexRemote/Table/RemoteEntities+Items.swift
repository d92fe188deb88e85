#if Remote
    internal import CodexCore

    /// The items of entities, for typed reads and for a cache.
    extension RemoteEntities {
        /// The primary key of a lookup; `nil` if it names an index, or alternatives.
        ///
        /// - Throws: The errors of making the key.
        func primaryKey<E: Entity>(of lookup: Lookup<E>) throws(CodexError) -> PrimaryKey? {
            guard lookup.alternatives.isEmpty else { return nil }
            let definition = try items.schema.table(E.definition.table)
            guard case .primaryKey(let key) = try lookup.resolved(in: definition) else {
                return nil
            }
            return key
        }

        /// The primary key of an entity.
        ///
        /// - Throws: The errors of ``Entity/item()``.
        func primaryKey<E: Entity>(of entity: E) throws(CodexError) -> PrimaryKey {
            try table.definition.primaryKey(of: try items.item(of: entity))
        }

        /// The untyped query, with its keys.
        ///
        /// - Throws: The errors of making the keys; ``CodexError/Code/unsupportedOperation`` for an
        ///   index whose entries are not whole items.
        func request<E: Entity>(of query: Query<E>) throws(CodexError) -> TableQuery {
            let definition = try items.schema.table(E.definition.table)
            let request = try query.resolved(in: definition, of: items.schema)
            if let name = request.index,
                let index = definition.indexes.first(where: { $0.name == name }),
                index.projection != .all
            {
                throw CodexError(
                    .unsupportedOperation,
                    "The entries of index \(name) are not whole items. Query the table's items, "
                        + "and read them by key.")
            }
            return request
        }

        /// A page of the items of a query's entity.
        ///
        /// - Throws: As ``query(_:limits:after:consistency:)``.
        func itemPage<E: Entity>(
            of query: Query<E>, _ limits: PageLimits, _ token: PageToken?,
            _ consistency: ReadConsistency
        ) async throws -> Page<Item> {
            let page = try await table.items(
                matching: try request(of: query), limits: limits, after: token,
                consistency: consistency)
            return Page(
                items: try page.items.filter { try items.isItem($0, of: E.definition) },
                next: page.next, examinedCount: page.examinedCount)
        }

        /// All items of a query's entity, up to a limit.
        ///
        /// - Throws: As ``query(_:limits:after:consistency:)``.
        func allItems<E: Entity>(
            of query: Query<E>, limit: Int?, _ consistency: ReadConsistency
        ) async throws -> [Item] {
            var (found, token): ([Item], PageToken?) = ([], nil)
            repeat {
                let page = try await itemPage(
                    of: query, PageLimits(returned: limit.map { $0 - found.count }), token,
                    consistency)
                found += page.items
                token = page.next
            } while token != nil && found.count < limit ?? .max
            return found
        }
    }
#endif
