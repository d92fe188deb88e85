/// A conditional write of one item.
public enum WriteAction: Sendable, Hashable {
    /// Stores an item and replaces any item with the same key.
    case put(table: String, Item, condition: Condition? = nil)
    /// Changes attributes of an item, or creates it with them.
    case update(table: String, key: PrimaryKey, Update, condition: Condition? = nil)
    /// Removes an item; removing an absent item is not an error.
    case delete(table: String, key: PrimaryKey, condition: Condition? = nil)
    /// Changes nothing; the other actions happen only if the condition holds.
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
    /// The attributes that an update touched, as they were; for updates only.
    case updatedOld
    /// The attributes that an update touched, as they are now; for updates only.
    case updatedNew
}
