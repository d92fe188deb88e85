/// The effect of a change on its item.
public enum ChangeKind: String, Sendable, Hashable, Codable, CaseIterable {
    /// The item was created.
    case insert = "INSERT"
    /// The item was changed.
    case modify = "MODIFY"
    /// The item was removed.
    case remove = "REMOVE"
}
