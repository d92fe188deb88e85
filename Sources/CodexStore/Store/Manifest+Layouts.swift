internal import CodexCore

extension Manifest {
    /// The tree that will replace an index's, which gets another layout.
    ///
    /// Writes maintain both trees. The old one answers until the new one is complete.
    struct Relayout: Codable, Hashable {
        /// The number in the name of the tree.
        let number: Int
        let layout: IndexLayout
    }
}

extension IndexDefinition {
    /// Whether entries in a layout have large values of their own, and not those of the items.
    func ownsChunks(_ layout: IndexLayout) -> Bool {
        guard case .include = projection else { return false }
        return layout == .copies
    }
}

extension Manifest.Table {
    /// The layout of the tree that answers queries of an index.
    func layout(of index: IndexDefinition) -> IndexLayout {
        guard index.projection != .keysOnly else { return .references }
        // An index that is stored without a layout is from before format 5.
        return indexes[index.name].flatMap { layouts?[PartKind.index.part($0)] } ?? .copies
    }

    /// The layout that an index was given last; `nil` for an index of keys only, and for one that
    /// is as formats before 5 stored it.
    func namedLayout(of index: IndexDefinition) -> IndexLayout? {
        relayouts?[index.name]?.layout
            ?? indexes[index.name].flatMap { layouts?[PartKind.index.part($0)] }
    }

    /// Sets the layout of a part; `nil` is that of formats before 5.
    mutating func setLayout(_ layout: IndexLayout?, _ part: String) {
        var layouts = layouts ?? [:]
        layouts[part] = layout
        self.layouts = layouts.isEmpty ? nil : layouts
    }

    /// Describes that a program's definition of an index names another layout than the index has;
    /// `nil` if it does not.
    func layoutWarning(for index: IndexDefinition, of table: String) -> String? {
        let present = namedLayout(of: index) ?? layout(of: index)
        guard let wanted = index.layout, wanted != present, indexes[index.name] != nil else {
            return nil
        }
        return "Index \(index.name) of table \(table) has the layout \(present.rawValue), and the "
            + "program's definition names \(wanted.rawValue). Nothing was changed. Call "
            + "changeLayout(ofIndex:in:to:) to change it, or name no layout in the definition."
    }

    /// The trees of an index: the one that answers, and the one that will replace it.
    func trees(of index: IndexDefinition) -> [Manifest.Retired] {
        var trees: [(number: Int, layout: IndexLayout)] = []
        if let number = indexes[index.name] { trees.append((number, layout(of: index))) }
        if let relayout = relayouts?[index.name] {
            trees.append((relayout.number, relayout.layout))
        }
        return trees.map {
            Manifest.Retired(
                part: PartKind.index.part($0.number), ownsChunks: index.ownsChunks($0.layout))
        }
    }

    /// Removes an index, whose trees must be emptied.
    ///
    /// - Returns: Its parts, whose build progress is obsolete.
    mutating func removeIndex(_ index: IndexDefinition) -> [String] {
        let trees = trees(of: index)
        indexes[index.name] = nil
        forgetRelayout(of: index)
        for tree in trees { retire(tree.part, ownsChunks: tree.ownsChunks) }
        return trees.map(\.part)
    }

    // MARK: Changes of layouts

    /// Changes the layout of an index.
    ///
    /// If the index is getting another layout, this call ends that change without an effect. The
    /// index of a store of an earlier format keeps its copies by name from now on, if it is given
    /// copies.
    ///
    /// - Parameters:
    ///   - index: The index.
    ///   - layout: The new layout.
    /// - Returns: The parts whose build progress is obsolete; `nil` if the index was given the
    ///   layout before, or is of keys only.
    mutating func changeLayout(of index: IndexDefinition, to layout: IndexLayout) -> [String]? {
        guard let number = indexes[index.name], index.projection != .keysOnly,
            namedLayout(of: index) != layout
        else { return nil }
        let part = PartKind.index.part(number)
        if self.layout(of: index) == layout {
            setLayout(layout, part)
            return cancelRelayout(of: index)
        }
        switch state(part) {
        case .loading:
            // Its tree is empty.
            setLayout(layout, part)
            return []
        case .building where !index.isUnique || isUnproven(part):
            // Its tree does not answer, and no write depends on it.
            let wasUnproven = isUnproven(part)
            let obsolete = removeIndex(index)
            let new = freeNumber(.index)
            indexes[index.name] = new
            setLayout(layout, PartKind.index.part(new))
            setState(.building, PartKind.index.part(new))
            if wasUnproven { setUnproven(PartKind.index.part(new)) }
            return obsolete
        case nil, .conflicting, .building:
            // The tree of a unique index in force may be complete, also while the index is checked
            // again. It refuses equal keys until the new tree replaces it.
            let new = freeNumber(.index)
            let relayout = Manifest.Relayout(number: new, layout: layout)
            relayouts = (relayouts ?? [:]).merging([index.name: relayout]) { $1 }
            setState(.building, PartKind.index.part(new))
            return []
        }
    }

    /// Ends a change of layout: the new tree answers from now on, and the old one must be emptied.
    ///
    /// Both trees have the same keys, so the new one has the state of the old one. While the old
    /// tree is being built again, that is not known.
    ///
    /// - Parameters:
    ///   - index: The index.
    ///   - part: The part of its new tree, which is complete.
    /// - Returns: The parts whose build progress is obsolete; `nil` if the layout does not change
    ///   now.
    mutating func endRelayout(of index: IndexDefinition, by part: String) -> [String]? {
        guard let relayout = relayouts?[index.name], let number = indexes[index.name],
            part == PartKind.index.part(relayout.number)
        else { return nil }
        let old = PartKind.index.part(number)
        let state = state(old)
        guard state == nil || state == .conflicting else { return nil }
        let wasUnproven = isUnproven(old)
        let ownsChunks = index.ownsChunks(layout(of: index))
        forgetRelayout(of: index)
        indexes[index.name] = relayout.number
        setLayout(relayout.layout, part)
        setState(state, part)
        retire(old, ownsChunks: ownsChunks)
        if wasUnproven { setUnproven(part) }
        return [old, part]
    }

    /// Ends a change of layout without an effect: the new tree must be emptied.
    ///
    /// - Returns: The parts whose build progress is obsolete.
    private mutating func cancelRelayout(of index: IndexDefinition) -> [String] {
        guard let relayout = relayouts?[index.name] else { return [] }
        let part = PartKind.index.part(relayout.number)
        forgetRelayout(of: index)
        retire(part, ownsChunks: index.ownsChunks(relayout.layout))
        return [part]
    }

    private mutating func forgetRelayout(of index: IndexDefinition) {
        relayouts?[index.name] = nil
        if relayouts?.isEmpty == true { relayouts = nil }
    }
}

// MARK: Layouts of the schema's indexes

extension Manifest {
    /// Changes the layout of an index, as far as the index can have the new one.
    ///
    /// - Parameters:
    ///   - index: The index.
    ///   - table: The name of its table.
    ///   - layout: The new layout.
    /// - Returns: Whether that changes something: see ``Table/changeLayout(of:to:)``.
    @discardableResult
    mutating func changeLayout(
        of index: IndexDefinition, in table: String, to layout: IndexLayout
    ) -> Bool {
        guard let obsolete = tables[table]?.changeLayout(of: index, to: layout) else {
            return false
        }
        for part in obsolete { forgetPosition(part, of: table) }
        // An opening on a full disk may have left the format as it was.
        raiseFormat()
        return true
    }

    /// Changes the layout of an index for a caller.
    ///
    /// - Parameters:
    ///   - name: The name of the index.
    ///   - table: The name of its table.
    ///   - layout: The new layout.
    /// - Returns: Whether that changes something.
    /// - Throws: ``CodexError/Code/unknownTable``, ``CodexError/Code/unknownIndex``,
    ///   ``CodexError/Code/invalidSchema`` for copies of an index of keys only,
    ///   ``CodexError/Code/limitReached``.
    mutating func changeLayout(
        ofIndex name: String, in table: String, to layout: IndexLayout
    ) throws(CodexError) -> Bool {
        let indexes = try schema.table(table).indexes
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
        let treeCount = numbers.treeCount
        guard changeLayout(of: index, in: table, to: layout) else { return false }
        try numbers.requireTreeCount(since: treeCount, limit: ManifestNumbers.layoutTreeCountMax)
        return true
    }

    /// Changes the indexes that are as formats before 5 stored them to the layouts of new indexes.
    ///
    /// It changes as many as there is room for.
    ///
    /// - Returns: The number of indexes whose layouts change; 0 if all have the new layouts.
    /// - Throws: ``CodexError/Code/limitReached`` if there is no room for any.
    mutating func changeFormerLayouts() throws(CodexError) -> Int {
        // Each change has one more tree until it ends.
        let (treeCount, limit) = (numbers.treeCount, ManifestNumbers.layoutTreeCountMax)
        var count = 0
        for table in schema.tables {
            for index in table.indexes where tables[table.name]?.namedLayout(of: index) == nil {
                let layout = index.initialLayout
                // They have copies, apart from those of keys only, which always refer.
                guard layout != .copies, index.projection != .keysOnly else { continue }
                guard treeCount + count < limit else {
                    guard count > 0 else {
                        throw ManifestNumbers.tooManyTrees(treeCount + 1, limit)
                    }
                    return count
                }
                if changeLayout(of: index, in: table.name, to: layout) { count += 1 }
            }
        }
        return count
    }
}
