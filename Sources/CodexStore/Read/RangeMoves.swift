internal import CodexCore
internal import CodexIndex

/// The moves of a cursor through a range of keys, in the direction of a query.
struct RangeMoves {
    private let range: KeyRange
    private let direction: QueryDirection
    /// Where the walk ends; `nil` is the end of the tree.
    private let bound: [UInt8]?

    @inline(__always)
    init(_ range: KeyRange, _ direction: QueryDirection) {
        (self.range, self.direction) = (range, direction)
        bound = direction == .forward ? range.upper : range.lower
    }

    /// Moves to the first entry; `nil` if there is none.
    @inline(__always)
    func first(_ cursor: inout Cursor) throws(CodexError) -> Cursor.Entry? {
        unsafe within(try cursor.first(in: range, direction))
    }

    /// Moves to the next entry; `nil` at the end of the range.
    @inline(__always)
    func next(_ cursor: inout Cursor) throws(CodexError) -> Cursor.Entry? {
        unsafe within(try direction == .forward ? cursor.next() : cursor.previous())
    }

    /// Passes the entries to `body`, until it returns `false`.
    @inline(__always)
    func forEach(
        _ cursor: inout Cursor, _ body: (Cursor.Entry) throws -> Bool
    ) throws {
        var entry = unsafe try first(&cursor)
        while let current = unsafe entry {
            guard unsafe try body(current) else { return }
            unsafe entry = try next(&cursor)
        }
    }

    /// The entry, unless it is beyond the end of the range.
    @inline(__always)
    private func within(_ entry: Cursor.Entry?) -> Cursor.Entry? {
        guard let found = unsafe entry else { return nil }
        guard let bound else { return unsafe found }
        let order = unsafe found.key.compare(bound)
        let isWithin = direction == .forward ? order < 0 : order >= 0
        return unsafe isWithin ? found : nil
    }
}

extension Cursor {
    /// Moves to the first entry of a walk through a range; the entry may be beyond its end.
    @inline(__always)
    mutating func first(
        in range: KeyRange, _ direction: QueryDirection
    ) throws(CodexError) -> Entry? {
        if direction == .forward { return unsafe try seek(range.lower) }
        if let upper = range.upper, unsafe try seek(upper) != nil { return unsafe try previous() }
        return unsafe try last()
    }
}
