internal import CodexCore

/// Gives indexes of a manifest other layouts.
enum ManifestLayouts {
    /// Gives an index a layout, as far as it can have that.
    ///
    /// - Parameters:
    ///   - layout: The layout.
    ///   - index: The index.
    ///   - table: The name of its table.
    ///   - manifest: The manifest, which is changed.
    /// - Returns: Whether that changes something: see ``Manifest/Table/give(_:to:)``.
    @discardableResult
    static func give(
        _ layout: IndexLayout, to index: IndexDefinition, of table: String,
        in manifest: inout Manifest
    ) -> Bool {
        guard let obsolete = manifest.tables[table]?.give(layout, to: index) else { return false }
        for part in obsolete { manifest.forgetPosition(part, of: table) }
        // An opening on a full disk may have left the format as it was.
        manifest.raiseFormat()
        return true
    }

    /// Gives an index a layout for a caller.
    ///
    /// - Parameters:
    ///   - layout: The layout.
    ///   - name: The name of the index.
    ///   - table: The name of its table.
    ///   - manifest: The manifest, which is changed.
    /// - Returns: Whether that changes something.
    /// - Throws: ``CodexError/Code/unknownTable``, ``CodexError/Code/unknownIndex``,
    ///   ``CodexError/Code/invalidSchema`` for copies of an index of keys only,
    ///   ``CodexError/Code/limitReached``.
    static func give(
        _ layout: IndexLayout, toIndex name: String, of table: String, in manifest: inout Manifest
    ) throws(CodexError) -> Bool {
        let indexes = try manifest.schema.table(table).indexes
        // The index of expiry is not among them.
        guard let index = indexes.first(where: { $0.name == name }) else {
            let known = indexes.map(\.name).joined(separator: ", ")
            throw CodexError(
                .unknownIndex,
                "Table \(table) has no index \(name)."
                    + (known.isEmpty ? "" : " It has: \(known)."))
        }
        guard index.projection != .keysOnly || layout == .references else {
            throw CodexError(
                .invalidSchema,
                "Index \(name) of table \(table) has keys only, so there is nothing to copy. "
                    + "Leave its layout as it is, or make an index with another projection.")
        }
        let treeCount = manifest.numbers.treeCount
        guard give(layout, to: index, of: table, in: &manifest) else { return false }
        try manifest.numbers.requireTreeCount(
            since: treeCount, limit: ManifestNumbers.layoutTreeCountMax)
        return true
    }

    /// Gives the indexes that are as formats before 5 stored them the layouts that new indexes get,
    /// as many as there is room for.
    ///
    /// - Parameter manifest: The manifest, which is changed.
    /// - Returns: The number of indexes whose layouts change; 0 if all have the new layouts.
    /// - Throws: ``CodexError/Code/limitReached`` if there is no room for any.
    static func changeFormer(in manifest: inout Manifest) throws(CodexError) -> Int {
        // Each change has one more tree until it ends.
        let (treeCount, limit) = (manifest.numbers.treeCount, ManifestNumbers.layoutTreeCountMax)
        var count = 0
        for table in manifest.schema.tables {
            for index in table.indexes
            where manifest.tables[table.name]?.namedLayout(of: index) == nil {
                let layout = index.initialLayout
                // They have copies, apart from those of keys only, which always refer.
                guard layout != .copies, index.projection != .keysOnly else { continue }
                guard treeCount + count < limit else {
                    guard count > 0 else {
                        throw ManifestNumbers.tooManyTrees(treeCount + 1, limit)
                    }
                    return count
                }
                if give(layout, to: index, of: table.name, in: &manifest) { count += 1 }
            }
        }
        return count
    }
}
