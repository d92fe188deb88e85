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

    /// Gives an index a layout.
    ///
    /// If the index gets another layout, this call ends that change without an effect. The index of
    /// a store of an earlier format keeps its copies by name from now on, if it is given copies.
    ///
    /// - Parameters:
    ///   - layout: The layout.
    ///   - index: The index.
    /// - Returns: The parts whose build progress is obsolete; `nil` if the index was given the
    ///   layout before, or is of keys only.
    mutating func give(_ layout: IndexLayout, to index: IndexDefinition) -> [String]? {
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
        case .building where !index.isUnique || unproven?.contains(part) == true:
            // Its tree does not answer, and no write depends on it.
            let isUnproven = unproven?.contains(part) ?? false
            let obsolete = removeIndex(index)
            let new = freeNumber(.index)
            indexes[index.name] = new
            setLayout(layout, PartKind.index.part(new))
            setState(.building, PartKind.index.part(new))
            if isUnproven { unproven = (unproven ?? []) + [PartKind.index.part(new)] }
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
        let isUnproven = unproven?.contains(old) ?? false
        let ownsChunks = index.ownsChunks(layout(of: index))
        forgetRelayout(of: index)
        indexes[index.name] = relayout.number
        setLayout(relayout.layout, part)
        setState(state, part)
        retire(old, ownsChunks: ownsChunks)
        if isUnproven { unproven = (unproven ?? []) + [part] }
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
