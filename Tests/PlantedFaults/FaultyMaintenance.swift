internal import CodexStore

/// Keeps the index entries of an item that is deleted.
final class SkippedDelete: MaintenanceFilter {
    func indexKeys(
        old: [[UInt8]], new: [[UInt8]]
    ) -> (old: [[UInt8]], new: [[UInt8]]) {
        (old: new.isEmpty ? [] : old, new: new)
    }
}

/// Leaves entries as they are whose keys stay the same.
final class StaleProjection: MaintenanceFilter {
    func indexKeys(
        old: [[UInt8]], new: [[UInt8]]
    ) -> (old: [[UInt8]], new: [[UInt8]]) {
        (old: old.filter { !new.contains($0) }, new: new.filter { !old.contains($0) })
    }
}

/// Leaves references as they are whose keys stay the same.
final class StaleReference: MaintenanceFilter {
    func keepsReference(_ isSame: Bool) -> Bool { true }
}

/// Keeps the old entries of an item whose index keys change.
final class MissedMove: MaintenanceFilter {
    func indexKeys(
        old: [[UInt8]], new: [[UInt8]]
    ) -> (old: [[UInt8]], new: [[UInt8]]) {
        (old: new.isEmpty ? old : old.filter { new.contains($0) }, new: new)
    }
}

/// Counts one item more in groups of at least two.
final class Miscount: MaintenanceFilter {
    func groupCount(_ count: Int) -> Int { count > 1 ? count + 1 : count }
}

/// Lets a build add entries that it read before, although their items may have changed.
final class StaleBuild: MaintenanceFilter {
    func addsUnseen(_ isUnchanged: Bool) -> Bool { true }
}

/// Cuts keys that are longer than the store's first piece of a key.
final class LostOverflow: MaintenanceFilter {
    /// See `Docs/Decisions/0006-long-keys.md`.
    private static let pieceByteCount = 510

    func treeKey(_ key: [UInt8]) -> [UInt8] { Array(key.prefix(Self.pieceByteCount)) }
}
