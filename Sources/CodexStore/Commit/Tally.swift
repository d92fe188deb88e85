internal import CodexCore
internal import CodexIndex

/// The count and the sums that a counter stores for one group.
struct Tally: Equatable {
    var count = 0
    /// For each summed attribute, the number of items that have a number there, and the sum.
    var sums: [(count: Int, sum: Number)]

    init(sumCount: Int) { sums = Array(repeating: (0, 0), count: sumCount) }

    static func == (left: Tally, right: Tally) -> Bool {
        left.count == right.count && left.sums.elementsEqual(right.sums) { $0 == $1 }
    }

    /// Subtracts the numbers of items that leave the group, and adds those of items that join it.
    ///
    /// - Throws: ``CodexError/Code/invalidNumber`` if a sum needs more digits than a number has.
    ///   Partial sums may need more.
    mutating func apply(removals: [[Number?]], additions: [[Number?]]) throws(CodexError) {
        count += additions.count - removals.count
        for position in sums.indices {
            let (removed, added) = (
                removals.compactMap { $0[position] }, additions.compactMap { $0[position] }
            )
            sums[position].count += added.count - removed.count
            sums[position].sum = try Self.sum(sums[position].sum, removed, added)
        }
    }

    private static func sum(
        _ stored: Number, _ removed: [Number], _ added: [Number]
    ) throws(CodexError) -> Number {
        do throws(CodexError) {
            var sum = stored
            for number in removed { sum = try sum.subtracting(number) }
            for number in added { sum = try sum.adding(number) }
            return sum
        } catch {
            var exact = NumberSum()
            exact.add(stored)
            for number in removed { exact.add(number, isRemoval: true) }
            for number in added { exact.add(number) }
            return try exact.number()
        }
    }

    // MARK: Stored form

    /// A list of the count and, for each sum, its count and value.
    var bytes: [UInt8] {
        var values: [AttributeValue] = [.number(Number(count))]
        for (count, sum) in sums { values += [.number(Number(count)), .number(sum)] }
        var bytes: [UInt8] = []
        ValueCodec.append(.list(values), topLevel: true, to: &bytes)
        return bytes
    }

    init(_ bytes: UnsafeBufferPointer<UInt8>, sumCount: Int) throws(CodexError) {
        let span = unsafe Span(_unsafeElements: bytes)
        guard case .list(let values) = try ValueCodec.decode(span, 0, span.count),
            values.count == 1 + 2 * sumCount
        else { throw Wire.corrupted("a counter's group") }
        func integer(_ value: AttributeValue) throws(CodexError) -> Int {
            // The limit is far above any real count, and far below an overflow.
            guard let integer = value.number?.int64, (0..<(1 << 53)).contains(integer) else {
                throw Wire.corrupted("a counter's group")
            }
            return Int(integer)
        }
        count = try integer(values[0])
        sums = []
        for position in 0..<sumCount {
            guard let sum = values[2 + 2 * position].number else {
                throw Wire.corrupted("a counter's sum")
            }
            sums.append((try integer(values[1 + 2 * position]), sum))
        }
    }
}

/// The effect of changes on counters, by counter and group.
struct Tallies {
    struct Group: Hashable {
        let database: DatabaseID
        let key: [UInt8]
    }

    struct Entry {
        let counter: CounterHandle
        /// The summed attributes' values of the items that leave the group, and of those that join
        /// it.
        var removals: [[Number?]] = []
        var additions: [[Number?]] = []
        /// The position of the last change that affects the group.
        var position: Int
    }

    private(set) var groups: [Group: Entry] = [:]

    /// Adds an item to its groups, or removes it from them.
    ///
    /// - Throws: ``CodexError/Code/invalidKey`` if the counter refuses one of the item's groups.
    mutating func add(
        _ counter: CounterHandle, _ item: Item, isRemoval: Bool, _ position: Int
    ) throws(CodexError) {
        let numbers = counter.plan.definition.sums.map { item[$0]?.number }
        for key in try counter.plan.groups(of: item) {
            let group = Group(database: counter.tree.database, key: key)
            var entry = groups[group] ?? Entry(counter: counter, position: position)
            if isRemoval { entry.removals.append(numbers) } else { entry.additions.append(numbers) }
            entry.position = position
            groups[group] = entry
        }
    }
}
