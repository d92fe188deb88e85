/// A place of an item and its new value.
struct UpdateEdit {
    let path: DocumentPath
    /// The new value; `nil` removes the old one.
    let value: AttributeValue?

    /// Most edits of top-level attributes that are applied one by one, each in O(*n*).
    private static let singleCountMax = 8

    /// Applies edits to an item; no edit's path may be below another's.
    ///
    /// - Throws: ``CodexError/Code/invalidPath`` if the parent of a path does not exist.
    /// - Complexity: O(*n* + *m* log *m*) for an item of *n* values and *m* edits. Each map and
    ///   list is traversed once, for any number of edits in it.
    static func apply(_ edits: [UpdateEdit], to item: Item) throws(CodexError) -> Item {
        if edits.count <= singleCountMax, edits.allSatisfy({ $0.path.steps.isEmpty }) {
            var result = item
            for edit in edits { result[edit.path.root] = edit.value }
            return result
        }
        let sorted = edits.sorted { DocumentPath.order($0.path, $1.path) < 0 }
        return try edited(item, by: sorted[...], at: 0)
    }

    /// Whether the step at `depth` is the path's last.
    private func ends(at depth: Int) -> Bool { path.steps.count == depth }

    /// The edits that share the first edit's step at a depth.
    private static func group(
        _ edits: ArraySlice<UpdateEdit>, at depth: Int
    ) -> ArraySlice<UpdateEdit> {
        let step = edits.first?.path.step(at: depth)
        return edits.prefix { $0.path.step(at: depth) == step }
    }

    /// A value after the edits of its parts, which are in order.
    private static func edited(
        _ value: AttributeValue, by edits: ArraySlice<UpdateEdit>, at depth: Int
    ) throws(CodexError) -> AttributeValue {
        switch value {
        case .map(let map): return .map(try edited(map, by: edits, at: depth))
        case .list(let list): return .list(try edited(list, by: edits, at: depth))
        default: throw noParent
        }
    }

    private static func edited(
        _ map: AttributeMap, by edits: ArraySlice<UpdateEdit>, at depth: Int
    ) throws(CodexError) -> AttributeMap {
        var result: [AttributeMap.Element] = []
        result.reserveCapacity(map.count + edits.count)
        var (rest, next) = (edits, 0)
        while let first = rest.first {
            guard case .name(let name)? = first.path.step(at: depth) else { throw noParent }
            let group = group(rest, at: depth)
            rest = rest[group.endIndex...]
            // The elements before the name stay as they are.
            while next < map.count, ByteOrder.compare(map.elements[next].name, name) < 0 {
                result.append(map.elements[next])
                next += 1
            }
            var old: AttributeValue?
            if next < map.count, ByteOrder.equal(map.elements[next].name, name) {
                old = map.elements[next].value
                next += 1
            }
            if let new = try outcome(of: old, by: group, at: depth) {
                result.append(AttributeMap.Element(name: name, value: new))
            }
        }
        result += map.elements[next...]
        return AttributeMap(uncheckedSorted: result)
    }

    /// A list after the edits of its elements.
    ///
    /// Indexes refer to the list before the update. Values set past the end are appended in the
    /// order of their indexes.
    private static func edited(
        _ list: [AttributeValue], by edits: ArraySlice<UpdateEdit>, at depth: Int
    ) throws(CodexError) -> [AttributeValue] {
        var result: [AttributeValue] = []
        result.reserveCapacity(list.count + edits.count)
        var (rest, next, appended) = (edits, 0, [AttributeValue]())
        while let first = rest.first {
            guard case .index(let index)? = first.path.step(at: depth) else { throw noParent }
            let group = group(rest, at: depth)
            rest = rest[group.endIndex...]
            guard list.indices.contains(index) else {
                if let new = try outcome(of: nil, by: group, at: depth) { appended.append(new) }
                continue
            }
            result += list[next..<index]
            next = index + 1
            if let new = try outcome(of: list[index], by: group, at: depth) {
                result.append(new)
            }
        }
        return result + list[next...] + appended
    }

    /// The result of edits that share one step, for the old value there; `nil` is no value.
    private static func outcome(
        of old: AttributeValue?, by group: ArraySlice<UpdateEdit>, at depth: Int
    ) throws(CodexError) -> AttributeValue? {
        if let last = group.last, last.ends(at: depth) { return last.value }
        guard let old else { throw noParent }
        return try edited(old, by: group, at: depth + 1)
    }

    /// The error for a path whose parent does not exist.
    static var noParent: CodexError {
        CodexError(
            .invalidPath,
            "A path of the update leads through an attribute that is missing or of another type. "
                + "Set the parent map or list first.",
            .documentPath)
    }
}
