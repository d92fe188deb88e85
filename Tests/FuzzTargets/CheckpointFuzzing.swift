#if DEBUG || FUZZING
    internal import CodexCore
    @testable import CodexStore

    extension FuzzTarget {
        /// The file `checkpoint`: refused, or written again to the same bytes.
        static let checkpoints = FuzzTarget(
            "checkpoints", seeds: CheckpointFuzzing.seeds, check: CheckpointFuzzing.check)
    }

    private enum CheckpointFuzzing {
        static func seeds() -> [[UInt8]] {
            let position = LogPosition(
                sequence: 9, segment: 2, offset: 4200, checksum: 0xAABB_CCDD, changeCount: 12)
            var seeds: [[UInt8]] = []
            for page in MetaPageFuzzing.seeds().compactMap({ MetaPage($0) }) {
                let bytes = Checkpoint(
                    storeID: SampleStore.id, transaction: Int(page.transaction),
                    position: position, meta: page
                ).bytes
                seeds.append([0] + bytes)
                seeds.append([1] + Array(bytes.dropFirst(16)))
            }
            return seeds
        }

        static func check(_ bytes: [UInt8]) {
            guard let kind = bytes.first else { return }
            let rest = Array(bytes.dropFirst())
            checkFile(kind & 1 == 0 ? rest : sealed(rest))
        }

        private static func checkFile(_ file: [UInt8]) {
            guard let checkpoint = try? Checkpoint(file) else { return }
            require(checkpoint.bytes == file, "a checkpoint is written as it was read")
            require(
                checkpoint.meta.transaction == UInt64(checkpoint.transaction),
                "a checkpoint is of the transaction of its page")
        }

        /// A file with the right head and checksum, whose two transactions are one.
        private static func sealed(_ content: [UInt8]) -> [UInt8] {
            var file = Array("CODEXCKP".utf8)
            LittleEndian.append(UInt32(1), to: &file)
            LittleEndian.append(UInt32(0), to: &file)
            file += content.prefix(Checkpoint.byteCount - file.count)
            while file.count < Checkpoint.byteCount { file.append(0) }
            file.replaceSubrange(32..<40, with: file.suffix(8))
            let checksum = Compression.checksum(file, in: 16..<file.count, after: 0)
            LittleEndian.replace(checksum, in: &file, at: 12)
            return file
        }
    }
#endif
