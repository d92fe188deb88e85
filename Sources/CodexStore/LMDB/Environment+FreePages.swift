internal import CodexCore

/// LMDB's free list: database 0 has, under each transaction's number (a native word), the pages
/// that it replaced, their count before them.
extension Environment {
    private static let freeList = DatabaseID(raw: 0)

    /// How many pages in the free list the next transaction may use for values of some pages each:
    /// those that no reader and no checkpoint keeps.
    ///
    /// - Parameter runLength: How many pages in a row a value takes.
    /// - Returns: The pages in such runs.
    /// - Throws: ``CodexError/Code/corrupted``.
    /// - Complexity: O(*n* log *n*) in the free pages; for a full device.
    func reusablePages(inRunsOf runLength: Int) throws(CodexError) -> Int {
        let oldest = readers().map(\.snapshot).min() ?? .max
        var pages: [UInt] = []
        try forEachFreed { id, freed in
            guard id < oldest else { return false }
            pages += freed
            return true
        }
        guard runLength > 1 else { return pages.count }
        pages.sort()
        var (count, start) = (0, 0)
        for index in pages.indices
        where index + 1 == pages.count || pages[index + 1] != pages[index] &+ 1 {
            let length = index + 1 - start
            count += length / runLength * runLength
            start = index + 1
        }
        return count
    }

    /// How many of the pages are in the free list.
    func freePages(in pages: Range<Int>) throws(CodexError) -> Int {
        var free: Set<Int> = []
        try forEachFreed { _, freed in
            for page in freed {
                if let page = Int(exactly: page), pages.contains(page) { free.insert(page) }
            }
            return true
        }
        return free.count
    }

    /// Hands out the pages that each transaction replaced, the oldest first, until `body` returns
    /// `false`.
    private func forEachFreed(
        _ body: (_ transaction: Int, _ pages: [UInt]) -> Bool
    ) throws(CodexError) {
        let transaction = try begin(readOnly: true)
        defer { transaction.abort() }
        do {
            try transaction.withCursor(Self.freeList) { cursor in
                var entry = unsafe try cursor.first()
                while let current = unsafe entry {
                    guard unsafe current.key.count == MemoryLayout<Int>.size else {
                        throw Wire.corrupted("a key of the free list")
                    }
                    let id = unsafe UnsafeRawBufferPointer(current.key).loadUnaligned(as: Int.self)
                    let words = unsafe UnsafeRawBufferPointer(current.value)
                    let size = MemoryLayout<UInt>.size
                    let pages = stride(from: size, to: words.count - size + 1, by: size).map {
                        unsafe words.loadUnaligned(fromByteOffset: $0, as: UInt.self)
                    }
                    guard id < transaction.id, body(id, pages) else { return }
                    unsafe entry = try cursor.next()
                }
            }
        } catch {
            throw CodexError(.corrupted, "The free list cannot be read.", cause: error)
        }
    }
}
