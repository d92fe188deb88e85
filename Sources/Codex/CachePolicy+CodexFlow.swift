public import CodexCore
public import CodexStore

extension CachePolicy {
    /// The kinds and times of CodexFlow's architecture document.
    ///
    /// A user is kept for an hour, a project for 15 minutes, a user's tasks for 5 minutes, and a
    /// session for 24 hours.
    public static let codexFlow = CachePolicy(
        timeToLive: [
            CodexFlow.User.definition.name: .seconds(3600),
            CodexFlow.Project.definition.name: .seconds(900),
            CodexFlow.Session.definition.name: .seconds(24 * 3600),
        ],
        listTimeToLive: [CodexFlow.Task.definition.name: .seconds(300)])
}

extension StoreCache {
    /// Creates an empty cache that keeps each entity of the store.
    ///
    /// CodexFlow's entities are kept for the times of ``CachePolicy/codexFlow``, and all others for
    /// ``CachePolicy/defaultTimeToLive``.
    ///
    /// - Parameter store: The store.
    /// - Throws: As ``init(_:policy:)``.
    public convenience init(_ store: Store) throws(CodexError) {
        var policy = CachePolicy.codexFlow
        policy.otherTimeToLive = CachePolicy.defaultTimeToLive
        // The store may lack CodexFlow's entities.
        let names = Set(store.schema.entities.map(\.name))
        policy.timeToLive = policy.timeToLive.filter { names.contains($0.key) }
        policy.listTimeToLive = policy.listTimeToLive.filter { names.contains($0.key) }
        try self.init(store, policy: policy)
    }
}
