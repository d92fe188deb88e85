internal import CodexCore

/// Counts readers by epoch, to tell when none is left that began before a moment.
///
/// There are two: the current one, which readers enter, and the one before, whose readers end sooner or
/// later. A new one begins only when none is left of the one before.
struct ReaderEpochs {
    /// 0 or 1.
    private(set) var current = 0
    private var counts = (0, 0)

    /// Counts a reader; returns its epoch.
    @inline(__always)
    mutating func enter() -> Int {
        if current == 0 { counts.0 += 1 } else { counts.1 += 1 }
        return current
    }

    /// Takes a reader out of its epoch.
    @inline(__always)
    mutating func leave(_ epoch: Int) {
        if epoch == 0 { counts.0 -= 1 } else { counts.1 -= 1 }
    }

    /// Whether no reader is left of the epoch before the current one.
    var isPreviousOver: Bool { (current == 0 ? counts.1 : counts.0) == 0 }

    /// Begins another epoch; only once ``isPreviousOver``.
    mutating func begin() { current = 1 - current }
}

/// Handles of databases that no catalog has any more.
///
/// A handle is closed once every reader is gone that began while a catalog had it.
struct RetiredHandles {
    /// Retired in the current epoch.
    private var new: Set<DatabaseID> = []
    /// Retired before the current epoch began.
    private var waiting: Set<DatabaseID> = []

    var isEmpty: Bool { new.isEmpty && waiting.isEmpty }

    /// Retires what `old` has and `catalog` has not.
    mutating func retire(_ old: Catalog, for catalog: Catalog) {
        new.formUnion(old.databases.subtracting(catalog.databases))
        // A name that comes back while its handle is open gets the same one.
        new.subtract(catalog.databases)
        waiting.subtract(catalog.databases)
    }

    /// Takes the handles that no reader can use any more.
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
