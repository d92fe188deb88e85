internal import CodexCore

/// What a walk needs of each item that it finds.
enum WantedContent: Comparable {
    /// Whether it is there, and its keys.
    case keys
    /// What the index projects.
    case projected
    /// The whole item.
    case whole

    /// What a walk needs that also has a filter, which sees `content`.
    func with(_ filter: Condition?, seeing content: Self) -> Self {
        filter == nil ? self : max(self, content)
    }
}
