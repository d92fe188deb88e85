public import CodexCore

extension CodexFlow.Workspace {
    /// Most entries of one part of a feed.
    public static let feedCountMax = 1000

    /// What happened in a project, newest first: the history of its tasks, its settings, its
    /// members and its PRDs.
    ///
    /// Entries of one millisecond are in the order of their identifiers. A deleted project has no
    /// feed.
    ///
    /// - Parameters:
    ///   - project: The project.
    ///   - limit: The highest number of entries, up to ``feedCountMax``. Fewer are the rest of the
    ///     feed.
    ///   - position: Only entries before this one: the ``CodexFlow/FeedEntry/position`` of the last
    ///     entry of the part before; `nil` is the newest.
    /// - Returns: The entries.
    /// - Throws: ``CodexError/Code/invalidArgument`` for another limit;
    ///   ``CodexError/Code/migrationPending`` for a store of an earlier release, before
    ///   `store.migrate(CodexFlow.Activity.self)`; and the errors of reading.
    /// - Complexity: Reads at most `limit` entries of each of two types.
    public func feed(
        of project: CodexFlow.Project.ID, limit: Int = 50, before position: String? = nil
    ) async throws -> [CodexFlow.FeedEntry] {
        let tasks = try await first(
            limit, of: .feed(.activity, of: project, before: position), before: position,
            CodexFlow.FeedEntry.task)
        let others = try await first(
            limit, of: .feed(.history, of: project, before: position), before: position,
            CodexFlow.FeedEntry.project)
        return Self.newest(limit, of: tasks + others)
    }

    /// What a user did, newest first, in all projects and in the administration of users.
    ///
    /// - Parameters:
    ///   - user: The user who made the changes.
    ///   - limit: As in ``feed(of:limit:before:)``.
    ///   - position: As in ``feed(of:limit:before:)``.
    /// - Returns: The entries.
    /// - Throws: As ``feed(of:limit:before:)``.
    /// - Complexity: Reads at most `limit` entries of each of three types.
    public func feed(
        by user: CodexFlow.User.ID, limit: Int = 50, before position: String? = nil
    ) async throws -> [CodexFlow.FeedEntry] {
        let tasks = try await first(
            limit, of: .feed(.activity, by: user, before: position), before: position,
            CodexFlow.FeedEntry.task)
        let others = try await first(
            limit, of: .feed(.history, by: user, before: position), before: position,
            CodexFlow.FeedEntry.project)
        let users = try await first(
            limit, of: .feed(.users, by: user, before: position), before: position,
            CodexFlow.FeedEntry.user)
        return Self.newest(limit, of: tasks + others + users)
    }

    /// The first entries of a query, also if they do not fit into one page.
    ///
    /// An entry may have been stored with a shorter position, without the project. Then it is found
    /// again, and passed over.
    private func first<E: Entity>(
        _ limit: Int, of query: CodexCore.Query<E>, before position: String?,
        _ entry: (E) -> CodexFlow.FeedEntry
    ) async throws -> [CodexFlow.FeedEntry] {
        guard (1...Self.feedCountMax).contains(limit) else {
            throw CodexError(
                .invalidArgument, "A part of a feed has 1 to \(Self.feedCountMax) entries.")
        }
        var (found, token): ([CodexFlow.FeedEntry], PageToken?) = ([], nil)
        repeat {
            let page = try await self.query(query, limit: limit - found.count, after: token)
            found += page.items.map(entry).filter { entry in
                position.map { ByteOrder.compare(entry.position, $0) < 0 } ?? true
            }
            token = page.next
        } while token != nil && found.count < limit
        return found
    }

    /// The newest entries of several lists, which are in order themselves.
    private static func newest(
        _ limit: Int, of entries: [CodexFlow.FeedEntry]
    ) -> [CodexFlow.FeedEntry] {
        let keyed = entries.map { (position: $0.position, entry: $0) }
        let sorted = keyed.sorted { ByteOrder.compare($0.position, $1.position) > 0 }
        return sorted.prefix(limit).map(\.entry)
    }
}
