internal import CodexCore

/// Finds the pages of a tree that an earlier state of it does not have.
///
/// LMDB changes no page that a state has. For each change, a transaction writes copies of the pages
/// on the path from the root to the change, under other page numbers. So each page that only the
/// later state has was written by a transaction between the two states. This holds while a reader
/// keeps the pages of the earlier state from being used again.
struct TreePages {
    private let data: DataFile
    private let pageCount: Int

    /// What a state of a tree has, and an earlier one has not.
    struct Difference {
        /// The number of pages, with those of large values.
        var pageCount = 0
        /// The trees whose roots differ, by the names that the tree has for them.
        var trees: [String: (before: TreeRoot, after: TreeRoot)] = [:]
    }

    /// Some pages of one level of a tree.
    private struct Level {
        var pages: Set<Int>
        /// The number of pages from these to a leaf, both included.
        var depth: Int

        init(_ root: TreeRoot) {
            pages = root.depth > 0 ? [root.page] : []
            depth = root.depth
        }
    }

    /// What the leaves of a tree refer to.
    private struct Leaves {
        /// The number of pages of each large value, by the first of them.
        var largeValues: [Int: Int] = [:]
        var trees: [String: TreeRoot] = [:]
    }

    /// A limit that no tree reaches.
    private static let depthMax = 32

    /// Takes a data file, of which `meta` is the later state.
    init(_ data: DataFile, _ meta: MetaPage) {
        self.data = data
        pageCount = Int(meta.lastPage) + 1
    }

    /// Compares two states of a tree.
    ///
    /// - Throws: ``CodexError/Code/corrupted``, and the errors of reading.
    /// - Complexity: O(*n*) in the pages that only one of the states has.
    func difference(_ before: TreeRoot, _ after: TreeRoot) throws(CodexError) -> Difference {
        guard max(before.depth, after.depth) <= Self.depthMax else { throw PageLayout.unknown }
        var difference = Difference()
        guard after.depth > 0 else { return difference }
        // A page is at the same distance from the leaves in both states.
        var (old, new) = (Level(before), Level(after))
        while old.depth > new.depth { old = try below(old) }
        while true {
            if old.depth == new.depth {
                let shared = old.pages.intersection(new.pages)
                old.pages.subtract(shared)
                new.pages.subtract(shared)
            }
            difference.pageCount += new.pages.count
            if new.depth == 1 { break }
            if old.depth == new.depth { old = try below(old) }
            new = try below(new)
        }
        let (former, present) = (try leaves(old), try leaves(new))
        for (page, count) in present.largeValues where former.largeValues[page] == nil {
            difference.pageCount += count
        }
        for (name, root) in present.trees where former.trees[name] != root {
            difference.trees[name] = (former.trees[name] ?? .empty, root)
        }
        return difference
    }

    private func below(_ level: Level) throws(CodexError) -> Level {
        var below = level
        below.depth -= 1
        below.pages = []
        for page in level.pages {
            let (bytes, layout) = try read(page)
            guard !layout.isLeaf else { throw PageLayout.unknown }
            for entry in 0..<layout.entryCount {
                below.pages.insert(layout.child(try layout.node(entry, in: bytes), in: bytes))
            }
        }
        return below
    }

    private func leaves(_ level: Level) throws(CodexError) -> Leaves {
        var leaves = Leaves()
        for page in level.pages {
            let (bytes, layout) = try read(page)
            guard layout.isLeaf else { throw PageLayout.unknown }
            for entry in 0..<layout.entryCount {
                let node = try layout.node(entry, in: bytes)
                if let root = try layout.tree(node, in: bytes) {
                    let name = String(decoding: try layout.key(node, in: bytes), as: UTF8.self)
                    leaves.trees[name] = root
                }
                guard let (first, _) = try layout.largeValue(node, in: bytes) else { continue }
                leaves.largeValues[first] = try largeValuePageCount(first)
            }
        }
        return leaves
    }

    private func read(_ page: Int) throws(CodexError) -> (bytes: [UInt8], layout: PageLayout) {
        let bytes = try bytes(page, count: data.pageByteCount)
        return (bytes, try PageLayout(bytes, at: 0, byteCount: data.pageByteCount))
    }

    private func largeValuePageCount(_ first: Int) throws(CodexError) -> Int {
        let head = try bytes(first, count: PageLayout.headByteCount)
        guard let count = PageLayout.overflowCount(head, at: 0), count <= pageCount - first else {
            throw PageLayout.unknown
        }
        return count
    }

    /// The first bytes of a page.
    private func bytes(_ page: Int, count: Int) throws(CodexError) -> [UInt8] {
        guard page >= 2, page < pageCount else { throw PageLayout.unknown }
        let bytes = try data.file.read(at: page * data.pageByteCount, count: count)
        guard bytes.count == count else { throw PageLayout.unknown }
        return bytes
    }
}
