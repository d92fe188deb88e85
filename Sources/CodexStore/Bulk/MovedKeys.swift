internal import CodexCore

/// The new primary keys of items that a bulk update moved, to which it has not come yet.
package struct MovedKeys {
    private var keys: Set<[UInt8]> = []

    /// The number of keys that are kept.
    package var count: Int { keys.count }

    /// Creates an empty collection.
    package init() {}

    /// The keys of a batch under which the update put no item.
    package func unmoved(_ batch: [[UInt8]]) -> [[UInt8]] {
        keys.isEmpty ? batch : batch.filter { !keys.contains($0) }
    }

    /// Adds the new keys of a batch's items, and drops those to which the update does not come any
    /// more.
    ///
    /// - Parameters:
    ///   - moved: The new keys.
    ///   - batch: The keys of the batch, ascending. The update goes on after the last one.
    /// - Complexity: O(*m*) for *m* keys of the batch.
    package mutating func add(_ moved: Set<[UInt8]>, after batch: [[UInt8]]) {
        guard let last = batch.last else { return }
        for key in moved where ByteOrder.compare(key, last) > 0 { keys.insert(key) }
        if !keys.isEmpty { keys.subtract(batch) }
    }
}
