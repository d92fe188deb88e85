internal import CodexCore
internal import CodexIndex

/// Corrects the seconds of expiry of a table's items after its time to live was removed.
///
/// No item of the table expires meanwhile, also if it has another time to live already.
struct FormerExpiry {
    private let builder: Builder
    private var schedule: BuildSchedule { builder.schedule }

    init(_ builder: Builder) { self.builder = builder }

    /// The number of items that one snapshot reads, so that it keeps few pages from reuse.
    private static let examinedItemCount = 20_000

    private struct Part {
        /// The items whose second of expiry is wrong.
        var keys: [[UInt8]] = []
        /// The last item that was read.
        var last: [UInt8]
        var isEnd = false
    }

    /// Corrects all items of a table.
    ///
    /// All changes are in the log, as other writes are. An interrupted call begins again, and
    /// reads the items that are correct once more. So it does if another time to live was added and
    /// removed meanwhile: items that it has passed may have the seconds of that.
    func clear(_ table: TableHandle) throws(CodexError) {
        schedule.aim(at: (table.name, nil))
        let (name, number) = (table.name, table.number)
        let count = try builder.reading { context in
            context.catalog.manifest.tables[name]?.formerExpiryCount
        }
        var part = Part(last: [])
        while !part.isEnd {
            part = try stamped(table, after: part.last)
            guard try clear(part.keys, table) else { return }
        }
        try builder.changeManifest { manifest, _ in
            // A new table may have the same name.
            guard manifest.tables[name]?.number == number,
                manifest.tables[name]?.formerExpiryCount == count
            else { return false }
            manifest.tables[name]?.forgetFormerExpiry()
            return true
        }
    }

    /// Corrects items in steps.
    ///
    /// - Returns: `false` if the builder was stopped first, or the table has no such items.
    private func clear(_ keys: [[UInt8]], _ table: TableHandle) throws(CodexError) -> Bool {
        var rest = keys[...]
        while !rest.isEmpty {
            if schedule.isStopped { return false }
            let (step, limit) = (rest, schedule.limit)
            let count = try builder.write { context in
                try BuildSteps(context).clearExpiry(of: step, table, limit)
            }
            guard let count else { return false }
            rest = rest.dropFirst(count)
        }
        return !schedule.isStopped
    }

    /// Reads the next items of a table, and finds those with a wrong second of expiry.
    private func stamped(
        _ table: TableHandle, after start: [UInt8]
    ) throws(CodexError) -> Part {
        try builder.reading { context in
            // Another table may have its name, and its tree.
            let present = try context.catalog.table(table.name)
            guard present.number == table.number else {
                throw CodexError(.unknownTable, "Table \(table.name) was removed.")
            }
            let names = present.plan.definition.timeToLive.map { [$0] } ?? []
            var part = Part(last: start)
            var count = 0
            try context.transaction.withCursor(table.tree) { cursor in
                var entry = unsafe try cursor.advance(past: start)
                while let current = unsafe entry, count < Self.examinedItemCount,
                    !schedule.isStopped
                {
                    count += 1
                    part.last = unsafe Array(current.key)
                    // verify() reports an item that cannot be read.
                    let header = unsafe try? context.header(of: current.value)
                    if header?.expiresAt != nil {
                        let isRight = unsafe try? context.withItem(
                            current.value, current.key, present.plan
                        ) { bytes -> Bool in
                            let item = try bytes.item(keeping: names)
                            return bytes.layout.header.expiresAt == present.plan.expiry(of: item)
                        }
                        if isRight == false { part.keys.append(part.last) }
                    }
                    unsafe entry = try cursor.next()
                }
                part.isEnd = unsafe entry == nil
            }
            return part
        }
    }
}
