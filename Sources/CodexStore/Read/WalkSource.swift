internal import CodexCore
internal import CodexIndex

/// What a walk reads for each entry of its tree.
enum WalkSource {
    /// The entry alone: it is an item of the table, or has copies of what is wanted.
    case entries
    /// The entry, which refers to its item. Only an item that expires is looked at.
    case references
    /// The item.
    case items
    /// The item, of which the walk passes on what the index projects.
    case projections

    /// Chooses what a walk reads.
    ///
    /// - Parameters:
    ///   - index: The index whose tree is walked; `nil` is the table's tree.
    ///   - wanted: What the walk needs of each item.
    init(_ index: IndexHandle?, wanting wanted: WantedContent) {
        guard let plan = index?.plan else {
            self = .entries
            return
        }
        switch (plan.definition.projection, plan.layout, wanted) {
        case (.all, .copies, _), (_, .copies, .keys), (_, .copies, .projected): self = .entries
        case (_, .references, .keys), (.keysOnly, .references, .projected): self = .references
        case (.include, .references, .projected): self = .projections
        case (_, _, .whole), (.all, .references, .projected): self = .items
        }
    }
}
