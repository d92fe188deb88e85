internal import CodexCore

/// Counts readers by epoch, to find out when no reader is left that began before an instant.
///
/// There are two epochs: the current one, which readers enter, and the previous one, whose readers
/// will end. A new epoch begins only when the previous one has no readers.
struct ReaderEpochs {
    /// The number of the current epoch: 0 or 1.
    private(set) var current = 0
    private var counts = (0, 0)

    /// Counts a reader; returns its epoch.
    @inline(__always)
    mutating func enter() -> Int {
        if current == 0 { counts.0 += 1 } else { counts.1 += 1 }
        return current
    }

    /// Removes a reader from its epoch.
    @inline(__always)
    mutating func leave(_ epoch: Int) {
        if epoch == 0 { counts.0 -= 1 } else { counts.1 -= 1 }
    }

    /// Whether the previous epoch has no readers.
    var isPreviousOver: Bool { (current == 0 ? counts.1 : counts.0) == 0 }

    /// Begins another epoch; requires ``isPreviousOver``.
    mutating func begin() { current = 1 - current }
}

/// Handles of databases that are no longer in the catalog.
///
/// A handle is closed once all readers have ended that began while a catalog had it.
struct RetiredHandles {
    /// Retired in the current epoch.
    private var new: Set<DatabaseID> = []
    /// Retired before the current epoch began.
    private var waiting: Set<DatabaseID> = []

    var isEmpty: Bool { new.isEmpty && waiting.isEmpty }

    /// Retires the handles that `old` has and `catalog` does not have.
    mutating func retire(_ old: Catalog, for catalog: Catalog) {
        new.formUnion(old.databases.subtracting(catalog.databases))
        // A name that comes back while its handle is open gets the same handle.
        new.subtract(catalog.databases)
        waiting.subtract(catalog.databases)
    }

    /// Removes and returns the handles that no reader can use any more.
    mutating func takeClosable(_ epochs: inout ReaderEpochs) -> Set<DatabaseID> {
        var closable: Set<DatabaseID> = []
        for _ in 0..<2 where epochs.isPreviousOver {
            closable.formUnion(waiting)
            waiting = new
            new = []
            epochs.begin()
        }
        return closable
    }
}
