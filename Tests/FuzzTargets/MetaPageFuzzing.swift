#if DEBUG || FUZZING
    internal import CodexCore
    @testable import CodexStore

    extension FuzzTarget {
        /// LMDB's meta pages, and those of other versions and machines.
        static let metaPages = FuzzTarget(
            "meta-pages", seeds: MetaPageFuzzing.seeds, check: MetaPageFuzzing.check)
    }

    enum MetaPageFuzzing {
        static func seeds() -> [[UInt8]] {
            var seeds: [[UInt8]] = []
            for (pageByteCount, transaction) in [(4096, 3), (16_384, 1 << 40)] {
                var page = [UInt8](repeating: 0, count: MetaPage.byteCount)
                LittleEndian.replace(UInt32(0xBEEF_C0DE), in: &page, at: 16)
                LittleEndian.replace(UInt32(1), in: &page, at: 20)
                LittleEndian.replace(UInt32(pageByteCount), in: &page, at: 40)
                LittleEndian.replace(UInt64.max, in: &page, at: 80)
                LittleEndian.replace(UInt64(17), in: &page, at: 136)
                LittleEndian.replace(UInt64(transaction), in: &page, at: 144)
                seeds.append(page)
            }
            for offset in [12, 24] {
                var page = [UInt8](repeating: 0, count: MetaPage.byteCount)
                LittleEndian.replace(UInt32(0xBEEF_C0DE), in: &page, at: offset)
                LittleEndian.replace(UInt32(3), in: &page, at: offset + 4)
                seeds.append(page)
            }
            return seeds
        }

        static func check(_ bytes: [UInt8]) {
            guard let page = MetaPage(bytes) else {
                _ = ForeignDataFile(bytes)?.error("store")
                return
            }
            require(page.lastPage < UInt64(MetaPage.pageCountMax), "a page's number is bounded")
            let end = (page.lastPage + 1)
                .multipliedReportingOverflow(by: UInt64(page.pageByteCount))
            require(!end.overflow && Int(exactly: end.partialValue) != nil, "a file's length fits")
            _ = page.hasNoFreePages
            for number: UInt8 in [0, 1] {
                let again = MetaPage(page.numbered(number))
                require(again?.transaction == page.transaction, "a page keeps its transaction")
                require(
                    again?.bytes.dropFirst(8) == page.bytes.dropFirst(8),
                    "a page's number is in its first 8 bytes")
            }
            for transaction: UInt64 in [0, 1, 1 << 61] {
                require(
                    page.asTransaction(transaction).transaction == transaction,
                    "a page is of the transaction that it is given")
            }
        }
    }
#endif
