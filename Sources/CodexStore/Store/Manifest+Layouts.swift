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

    /// Begins to give an index another layout.
    ///
    /// - Parameters:
    ///   - index: The index, which is not of keys only.
    ///   - layout: The layout.
    /// - Returns: The parts whose build progress is obsolete; `nil` if the index has the layout, or
    ///   gets it already.
    mutating func beginRelayout(_ index: IndexDefinition, to layout: IndexLayout) -> [String]? {
        guard let number = indexes[index.name], index.projection != .keysOnly,
            (namedLayout(of: index) ?? .copies) != layout
        else { return nil }
        // There are two layouts, so the old tree has this one.
        if relayouts?[index.name] != nil { return cancelRelayout(of: index) }
        let part = PartKind.index.part(number)
        switch state(part) {
        case .loading:
            // Its tree is empty.
            setLayout(layout, part)
            return []
        case .building:
            // Its tree does not answer.
            let isUnproven = unproven?.contains(part) ?? false
            let obsolete = removeIndex(index)
            let new = freeNumber(.index)
            indexes[index.name] = new
            setLayout(layout, PartKind.index.part(new))
            setState(.building, PartKind.index.part(new))
            if isUnproven { unproven = (unproven ?? []) + [PartKind.index.part(new)] }
            return obsolete
        case nil, .conflicting:
            let new = freeNumber(.index)
            let relayout = Manifest.Relayout(number: new, layout: layout)
            relayouts = (relayouts ?? [:]).merging([index.name: relayout]) { $1 }
            setState(.building, PartKind.index.part(new))
            return []
        }
    }

    /// Ends a change of layout: the new tree answers from now on, and the old one must be emptied.
    ///
    /// - Parameters:
    ///   - index: The index, whose new tree is complete.
    ///   - conflicts: Whether the new tree has equal keys, which the index forbids.
    /// - Returns: The parts whose build progress is obsolete; `nil` if the layout does not change.
    mutating func endRelayout(of index: IndexDefinition, conflicts: Bool) -> [String]? {
        guard let relayout = relayouts?[index.name], let number = indexes[index.name] else {
            return nil
        }
        let (old, new) = (PartKind.index.part(number), PartKind.index.part(relayout.number))
        let isUnproven = unproven?.contains(old) ?? false
        let newState: Manifest.BuildState? =
            switch state(old) {
            case nil: nil
            case .conflicting: .conflicting
            // What the build of the old tree would find is what this one found.
            case .building, .loading: conflicts ? .conflicting : nil
            }
        let ownsChunks = index.ownsChunks(layout(of: index))
        forgetRelayout(of: index)
        indexes[index.name] = relayout.number
        setLayout(relayout.layout, new)
        setState(newState, new)
        retire(old, ownsChunks: ownsChunks)
        if isUnproven, newState != nil { unproven = (unproven ?? []) + [new] }
        return [old, new]
    }

    /// Ends a change of layout without an effect: the new tree must be emptied.
    ///
    /// - Returns: The parts whose build progress is obsolete.
    mutating func cancelRelayout(of index: IndexDefinition) -> [String] {
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
