/// A conditional write of one item.
public enum WriteAction: Sendable, Hashable {
    /// Stores an item, in place of any with its key.
    case put(table: String, Item, condition: Condition? = nil)
    /// Changes attributes of an item, or creates it with them.
    case update(table: String, key: PrimaryKey, Update, condition: Condition? = nil)
    /// Removes an item; removing one that is not there is no error.
    case delete(table: String, key: PrimaryKey, condition: Condition? = nil)
    /// Changes nothing, but the other actions happen only if the condition holds.
    case check(table: String, key: PrimaryKey, condition: Condition)
}

/// Which attributes a write returns: DynamoDB's `ReturnValues`.
public enum ReturnValues: Sendable, Hashable, CaseIterable {
    /// Nothing.
    case none
    /// The item as it was.
    case allOld
    /// The item as it is now.
    case allNew
    /// What an update touched, as it was: for updates only.
    case updatedOld
    /// What an update touched, as it is now: for updates only.
    case updatedNew
}
