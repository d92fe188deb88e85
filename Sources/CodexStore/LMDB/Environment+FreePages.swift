internal import CodexCore

/// LMDB's free list, in database 0.
///
/// Under each transaction's number (a native word), it has the count of the pages that the
/// transaction replaced, and then the pages.
extension Environment {
    private static let freeList = DatabaseID(raw: 0)

    /// The number of free pages that the next transaction may use for values of `runLength` pages
    /// each.
    ///
    /// Pages that a reader or a checkpoint keeps do not count.
    ///
    /// - Parameter runLength: The number of consecutive pages that a value takes.
    /// - Returns: The number of pages in such runs.
    /// - Throws: ``CodexError/Code/corrupted``.
    /// - Complexity: O(*n* log *n*) in the free pages; it is called for a full device.
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

    /// The number of the given pages that are in the free list.
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

    /// Passes the pages that each transaction replaced to `body`, the oldest first, until it
    /// returns `false`.
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
