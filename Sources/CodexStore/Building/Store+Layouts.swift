public import CodexCore

extension Store {
    /// Gives an index another layout, in the background.
    ///
    /// The layout decides how entries are stored, and no result of a read. The index stays ready:
    /// its present entries answer until those in the new layout are complete. Meanwhile, each write
    /// maintains both. ``buildStatus()`` shows the change, and ``waitUntilReady()`` waits for it.
    /// After a restart, the change continues.
    ///
    /// If the index is getting the layout, or has it, the call does nothing. If the index has the
    /// layout and is getting the other one, that change ends without an effect. An index that is
    /// being built for the first time is built in the layout from the start.
    ///
    /// ```swift
    /// try await store.changeLayout(ofIndex: "byAuthor", in: "notes", to: .copies)
    /// try await store.waitUntilReady()
    /// ```
    ///
    /// A follower changes its indexes when its leader does.
    ///
    /// - Parameters:
    ///   - index: The index's name.
    ///   - table: The table's name.
    ///   - layout: The layout.
    /// - Throws: ``CodexError/Code/unknownTable``, ``CodexError/Code/unknownIndex``,
    ///   ``CodexError/Code/invalidSchema`` for copies of an index of keys only,
    ///   ``CodexError/Code/limitReached`` if the store would have too many trees, and as
    ///   ``write(_:)-(_)``.
    /// - Complexity: O(1); the change takes O(*n* log *n*) for *n* entries, in the background.
    public func changeLayout(
        ofIndex index: String, in table: String, to layout: IndexLayout
    ) async throws {
        let builder = try requireBuilder()
        try await changeManifest { manifest, _ throws(CodexError) in
            try manifest.changeLayout(ofIndex: index, in: table, to: layout)
        }
        builder.schedule.wake()
    }

    /// Gives the indexes that were made by a release before 0.3 the layouts that new indexes get.
    ///
    /// Such an index has copies. If its projection is ALL, the index gets references, as by
    /// ``changeLayout(ofIndex:in:to:)``. An index that was given a layout by name keeps it.
    ///
    /// Each index has a second tree until its change ends. A store with nearly as many trees as it
    /// may have (``StoreLimits/treeCountMax``) has room for a part of the changes. So call
    /// ``waitUntilReady()`` and this method again until it returns 0:
    ///
    /// ```swift
    /// while try await store.changeFormerLayouts() > 0 { try await store.waitUntilReady() }
    /// ```
    ///
    /// - Returns: The number of indexes whose layouts begin to change; 0 if all such indexes have
    ///   their new layouts, or get them.
    /// - Throws: ``CodexError/Code/limitReached`` if there is no room for any of the changes, and
    ///   as ``write(_:)-(_)``.
    /// - Complexity: O(*n*) for *n* indexes; the changes run in the background.
    @discardableResult
    public func changeFormerLayouts() async throws -> Int {
        let builder = try requireBuilder()
        let changedCount = Locked(0)
        try await changeManifest { manifest, _ throws(CodexError) in
            let count = try manifest.changeFormerLayouts()
            changedCount.withLock { $0 = count }
            return count > 0
        }
        builder.schedule.wake()
        return changedCount.withLock { $0 }
    }
}
