internal import CodexCore
internal import CodexIndex

/// The pages of the data file that one commit wrote, by cause.
///
/// The meta page, which each commit writes too, is not among them.
package struct CommitPages: Sendable, Hashable {
    /// Why a commit writes a page.
    package enum Cause: Sendable, Hashable {
        /// An item of a table.
        case item(table: String)
        /// An entry of an index.
        case index(table: String, name: String)
        /// A group of a counter.
        case counter(table: String, name: String)
        /// Another entry: in the database with this name, or in the tree of a removed part.
        case system(String)
        /// The roots of the trees.
        case roots
        /// LMDB's list of free pages.
        case freeList
    }

    /// The number of pages by cause; a cause without pages is not there.
    package let counts: [Cause: Int]

    /// The number of pages.
    package var count: Int { counts.values.reduce(0, +) }

    /// The number of pages with a cause.
    package subscript(_ cause: Cause) -> Int { counts[cause] ?? 0 }

    /// Compares the two states of the data file.
    fileprivate init(
        _ before: MetaPage, _ after: MetaPage, _ data: DataFile, _ catalog: Catalog
    ) throws(CodexError) {
        let pages = TreePages(data, after)
        let names = try pages.difference(before.names, after.names)
        var counts: [Cause: Int] = [
            .roots: names.pageCount,
            .freeList: try pages.difference(before.freeList, after.freeList).pageCount,
        ]
        let causes = Self.causes(catalog)
        for (name, roots) in names.trees {
            let difference = try pages.difference(roots.before, roots.after)
            counts[causes[name] ?? .system(name), default: 0] += difference.pageCount
        }
        self.counts = counts.filter { $0.value > 0 }
    }

    /// The causes by the names of the trees.
    private static func causes(_ catalog: Catalog) -> [String: Cause] {
        var causes: [String: Cause] = [:]
        for table in catalog.allTables {
            guard let name = catalog.manifest.tables[table.name]?.treeName else { continue }
            causes[name] = .item(table: table.name)
            for index in table.indexes {
                causes["\(name).\(index.part)"] = .index(
                    table: table.name, name: index.plan.definition.name)
            }
            for counter in table.counters {
                causes["\(name).\(counter.part)"] = .counter(
                    table: table.name, name: counter.plan.definition.name)
            }
        }
        return causes
    }
}

extension Store {
    /// Runs `body` in a write transaction, and finds the pages that its commit wrote.
    ///
    /// - Throws: As ``write(_:)-(_)``; ``CodexError/Code/inUse`` if another commit came before or
    ///   after. The write is committed then, too.
    /// - Complexity: O(*n*) in the pages that the commit wrote or replaced.
    package func pages(
        writtenBy body: @escaping @Sendable (inout WriteTransaction) throws -> Void
    ) throws -> CommitPages {
        // The snapshots keep the pages of both states from being used again.
        let before = try core.acquireReadContext(waits: false)
        defer { core.releaseReadContext(before) }
        try write(body)
        let after = try core.acquireReadContext(waits: false)
        defer { core.releaseReadContext(after) }
        let data = try DataFile(core.directory, .read)
        defer { data.file.close() }
        let ids = (before.transaction.id, after.transaction.id)
        guard ids.1 == ids.0 + 1, let old = try data.metaPage(of: ids.0),
            let new = try data.metaPage(of: ids.1)
        else {
            throw CodexError(
                .inUse,
                "Another commit came beside the one whose pages were asked for. Stop the other "
                    + "writers, and write again.")
        }
        return try CommitPages(old, new, data, after.catalog)
    }
}
