internal import CodexCore
internal import CodexIndex

/// What a counter holds for one group.
struct Tally: Equatable {
    var count = 0
    /// For each summed attribute: how many items have a number there, and its sum.
    var sums: [(count: Int, sum: Number)]

    init(sumCount: Int) { sums = Array(repeating: (0, 0), count: sumCount) }

    static func == (left: Tally, right: Tally) -> Bool {
        left.count == right.count && left.sums.elementsEqual(right.sums) { $0 == $1 }
    }

    /// Adds an item (`sign` 1) or takes it away (-1).
    mutating func add(
        _ item: Item, _ names: [String], sign: Int
    ) throws(CodexError) {
        count += sign
        for (position, name) in names.enumerated() {
            guard case .number(let number)? = item[name] else { continue }
            sums[position].count += sign
            sums[position].sum =
                sign > 0
                ? try sums[position].sum.adding(number) : try sums[position].sum.subtracting(number)
        }
    }

    mutating func add(_ other: Tally) throws(CodexError) {
        count += other.count
        for position in sums.indices {
            sums[position].count += other.sums[position].count
            sums[position].sum = try sums[position].sum.adding(other.sums[position].sum)
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
            guard let integer = value.number?.int64 else {
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

/// What changes make of counters, by counter and group.
struct Tallies {
    struct Group: Hashable {
        let database: DatabaseID
        let key: [UInt8]
    }

    var groups: [Group: (counter: CounterHandle, tally: Tally)] = [:]

    mutating func add(
        _ counter: CounterHandle, _ item: Item, sign: Int
    ) throws(CodexError) {
        let names = counter.plan.definition.sums
        let keys: [[UInt8]]
        do throws(CodexError) {
            keys = try counter.plan.groups(of: item)
        } catch {
            // What was there before the counter may have a group that it refuses: it is in none.
            if sign < 0 { return }
            throw error
        }
        for key in keys {
            let group = Group(database: counter.tree.database, key: key)
            var tally = groups[group]?.tally ?? Tally(sumCount: names.count)
            try tally.add(item, names, sign: sign)
            groups[group] = (counter, tally)
        }
    }
}

extension WriteContext {
    /// Adds what a change does to the counters of its table.
    func tally(_ change: Change, _ tallies: inout Tallies) throws(CodexError) {
        for counter in change.table.counters where isCounted(change.key, counter) {
            let entities = counter.plan.definition.entities
            if let old = change.old, catalog.includes(entities, old.header.entityNumber) {
                try tallies.add(counter, old.item, sign: -1)
            }
            if let new = change.new, catalog.includes(entities, new.header.entityNumber) {
                try tallies.add(counter, new.item, sign: 1)
            }
        }
    }

    /// What the groups are to hold, those that stay as they are left out.
    ///
    /// - Throws: ``CodexError/Code/invalidNumber`` for a sum that 38 digits cannot hold exactly.
    func settled(
        _ tallies: Tallies
    ) throws(CodexError) -> [(group: Tallies.Group, change: (counter: CounterHandle, tally: Tally))] {
        var settled: [(group: Tallies.Group, change: (counter: CounterHandle, tally: Tally))] = []
        for (group, change) in tallies.groups {
            let sumCount = change.counter.plan.definition.sums.count
            guard change.tally != Tally(sumCount: sumCount) else { continue }
            var tally = change.tally
            if let stored = unsafe try transaction.get(change.counter.tree, group.key) {
                do throws(CodexError) {
                    try tally.add(unsafe try Tally(stored, sumCount: sumCount))
                } catch {
                    guard error.code == .invalidNumber else { throw error }
                    throw CodexError(
                        .invalidNumber,
                        "A sum of counter \(change.counter.plan.definition.name) would need more "
                            + "than \(Limits.numberDigitCountMax) digits. Sum numbers of like size.")
                }
            }
            settled.append((group, (change.counter, tally)))
        }
        return settled
    }

    func store(
        _ change: (counter: CounterHandle, tally: Tally), _ group: Tallies.Group
    ) throws(CodexError) {
        var tally = change.tally
        if core.options.plantedFault == .miscount, tally.count > 1 { tally.count += 1 }
        if tally.count == 0 {
            try transaction.delete(change.counter.tree, group.key)
        } else {
            try put(change.counter.tree, group.key, tally.bytes)
        }
    }
}
