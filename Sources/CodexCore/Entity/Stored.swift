/// A value together with the store's metadata for it.
///
/// A value that a store has read also knows the key that it was read from. If the value is changed
/// so that it belongs under another key, `replace` moves the item.
public struct Stored<Value: Sendable>: Sendable {
    /// The value.
    public var value: Value
    /// The item's version: 1 when created, one more with every write.
    public let version: Int
    /// The version of the entity's schema that wrote the item.
    public let schemaVersion: Int
    /// The primary key that the value was read from; `nil` if a program made the stored value.
    package let key: PrimaryKey?

    /// Creates a stored value.
    ///
    /// It has no key. `replace` then compares its version with that of the item under the value's
    /// own key.
    public init(_ value: Value, version: Int, schemaVersion: Int = 1) {
        self.init(value, version: version, schemaVersion: schemaVersion, key: nil)
    }

    /// Creates a stored value that was read from a key.
    @usableFromInline
    package init(_ value: Value, version: Int, schemaVersion: Int, key: PrimaryKey?) {
        self.value = value
        self.version = version
        self.schemaVersion = schemaVersion
        self.key = key
    }
}

extension Stored: Equatable where Value: Equatable {
    /// Compares values and versions.
    ///
    /// The key is not compared: it says where the value comes from, and is no part of it.
    public static func == (lhs: Self, rhs: Self) -> Bool {
        lhs.value == rhs.value && lhs.version == rhs.version
            && lhs.schemaVersion == rhs.schemaVersion
    }
}
