/// Finds the values at paths of a stored item, and measures the item, in one pass.
///
/// No value is decoded, because a decoded list of 400,000 empty texts would take 24 times the
/// item's size. The pass also checks the item, as ``StoredItemMeter`` does.
struct StoredPathFinder {
    /// The values that were found, by the numbers of their paths.
    private(set) var values: [StoredValue?]
    private var meter: StoredItemMeter
    private let keepsStarts: Bool

    /// The rest of the limits of decoding.
    var budget: DecodingBudget { meter.budget }

    /// Creates a finder for one item.
    ///
    /// - Parameters:
    ///   - budget: The limits of decoding: members, and memory for inflated values.
    ///   - pathCount: The number of paths.
    ///   - keepsStarts: Whether the values of lists and sets have the offsets of their members.
    init(_ budget: DecodingBudget, pathCount: Int, keepsStarts: Bool) {
        values = [StoredValue?](repeating: nil, count: pathCount)
        meter = StoredItemMeter(budget)
        self.keepsStarts = keepsStarts
    }

    /// Finds the values at the paths of a tree.
    ///
    /// - Parameters:
    ///   - tree: The paths.
    ///   - bytes: The item's encoding.
    ///   - layout: The positions of its parts.
    ///   - keys: The key attributes, none of which the item stores too.
    /// - Returns: The size of the whole item, equal to ``AttributeMap/byteCount`` of the decoded
    ///   item.
    /// - Throws: ``CodexError/Code/corrupted``, ``CodexError/Code/outOfMemory``.
    mutating func find(
        _ tree: PathTree, in bytes: Span<UInt8>, _ layout: ItemLayout,
        _ keys: ItemLayout.MissingKeys
    ) throws(CodexError) -> Int {
        var size = 0
        for position in 0..<keys.count {
            let element = keys[position]
            size += element.name.utf8.count + element.value.byteCount
            guard let number = tree.tree(named: element.name)?.end else { continue }
            values[number] = StoredValue(element.value)
        }
        let names = layout.shape.names
        var next = tree.firstName
        for position in 0..<layout.count {
            let (start, end) = try layout.range(bytes, position)
            size += names[position].utf8.count
            // Names and branches have the same order.
            var order = -1
            while next < tree.branches.count {
                order = DocumentPath.Step.order(tree.branches[next].step, .name(names[position]))
                guard order < 0 else { break }
                next += 1
            }
            if TextRule.isTag(bytes[start]) {
                let value = try layout.ruledValue(
                    bytes, position, keys.attributes, &meter.budget)
                if order == 0 {
                    size += try topLevel(value, tree.branches[next].rest)
                } else {
                    size += try meter.measure(value.span, 0, value.count)
                }
            } else if order == 0 {
                size += try attribute(bytes, start, end, tree.branches[next].rest)
            } else {
                size += try meter.measure(bytes, start, end)
            }
            // The last value must end the item; otherwise bytes are missing.
            guard position < layout.count - 1 || end == bytes.count else { throw Wire.truncated }
        }
        return size
    }

    /// Finds values in an attribute; its bytes are copied, so that the values outlive the item.
    private mutating func attribute(
        _ bytes: Span<UInt8>, _ start: Int, _ end: Int, _ tree: PathTree
    ) throws(CodexError) -> Int {
        if bytes[start] == ValueCodec.Tag.compressed.rawValue {
            let inflated = try meter.budget.inflate(bytes.extracting((start + 1)..<end))
            return try topLevel(inflated, tree)
        }
        return try topLevel(Wire.array(bytes, start, end), tree)
    }

    private mutating func topLevel(
        _ bytes: [UInt8], _ tree: PathTree
    ) throws(CodexError) -> Int {
        let value = StoredValue(bytes, bytes.indices, isTopLevel: true)
        guard value.containerType != nil else {
            let size = try meter.measure(bytes.span, 0, bytes.count)
            if let number = tree.end { values[number] = value }
            return size
        }
        var position = 0
        let size = try nested(bytes, &position, depth: 0, tree)
        guard position == bytes.count else { throw Wire.corrupted("bytes are left after a value") }
        return size
    }

    /// Finds values in a value that carries its own length; `position` moves behind it.
    private mutating func nested(
        _ bytes: [UInt8], _ position: inout Int, depth: Int, _ tree: PathTree
    ) throws(CodexError) -> Int {
        guard position < bytes.count else { throw Wire.truncated }
        let start = position
        let isKept = keepsStarts && tree.end != nil
        var (size, starts): (Int, [UInt32]) = (0, [])
        switch ValueCodec.Tag(rawValue: bytes[start]) {
        case .list? where isKept || tree.firstName > 0:
            (size, starts) = try list(bytes, &position, depth: depth, tree, keepsStarts: isKept)
        case .map? where tree.firstName < tree.branches.count:
            size = try map(bytes, &position, depth: depth, tree)
        default:
            size = try meter.nested(bytes.span, &position, depth: depth)
        }
        if let number = tree.end {
            var value = StoredValue(bytes, start..<position)
            value.starts = try isKept && value.isSet ? memberStarts(of: value) : starts
            values[number] = value
        }
        return size
    }

    private mutating func list(
        _ bytes: [UInt8], _ position: inout Int, depth: Int, _ tree: PathTree, keepsStarts: Bool
    ) throws(CodexError) -> (size: Int, starts: [UInt32]) {
        let span = bytes.span
        position += 1
        let count = try ValueCodec.containerCount(span, &position, depth: depth, &meter.budget)
        var starts = try keepsStarts ? roomForStarts(count) : []
        // See ItemSize.swift.
        var (size, next) = (3 + count, 0)
        for index in 0..<count {
            if keepsStarts { starts.append(UInt32(truncatingIfNeeded: position)) }
            while next < tree.firstName, tree.branches[next].index < index { next += 1 }
            if next < tree.firstName, tree.branches[next].index == index {
                size += try nested(bytes, &position, depth: depth + 1, tree.branches[next].rest)
            } else {
                size += try meter.nested(span, &position, depth: depth + 1)
            }
        }
        return (size, starts)
    }

    private mutating func map(
        _ bytes: [UInt8], _ position: inout Int, depth: Int, _ tree: PathTree
    ) throws(CodexError) -> Int {
        let span = bytes.span
        position += 1
        let count = try ValueCodec.containerCount(span, &position, depth: depth, &meter.budget)
        var (size, next) = (3 + count, tree.firstName)
        var last: Range<Int>?
        for _ in 0..<count {
            let name = try meter.text(span, &position)
            try StoredOrder.require(span, last, name, in: "map")
            last = name
            size += name.count
            var order = -1
            while next < tree.branches.count {
                order = Wire.order(tree.branches[next].name, span, name)
                guard order < 0 else { break }
                next += 1
            }
            if order == 0 {
                size += try nested(bytes, &position, depth: depth + 1, tree.branches[next].rest)
            } else {
                size += try meter.nested(span, &position, depth: depth + 1)
            }
        }
        return size
    }

    /// The offsets of the members of a set that was checked.
    private mutating func memberStarts(of set: StoredValue) throws(CodexError) -> [UInt32] {
        let span = set.bytes.span
        let hasNumbers = set.containerType == .numberSet
        var position = set.range.lowerBound + 1
        let count = try Wire.count(span, &position)
        var starts = try roomForStarts(count)
        for _ in 0..<count {
            starts.append(UInt32(truncatingIfNeeded: position))
            if hasNumbers {
                _ = try ValueCodec.number(span, &position)
            } else {
                let byteCount = try Wire.count(span, &position)
                position += byteCount
            }
        }
        return starts
    }

    private mutating func roomForStarts(_ count: Int) throws(CodexError) -> [UInt32] {
        try meter.budget.takeMemory(DecodedSize.array(of: UInt32.self, count))
        var starts: [UInt32] = []
        starts.reserveCapacity(count)
        return starts
    }
}
