#if DEBUG || FUZZING
    internal import CodexCore
    @testable import CodexStore

    extension FuzzTarget {
        /// The log: headers of records and of segments, and the entries of a record's body.
        static let logRecords = FuzzTarget(
            "log-records", seeds: LogFuzzing.seeds, check: LogFuzzing.check)
    }

    enum LogFuzzing {
        static func seeds() throws -> [[UInt8]] {
            var seeds: [[UInt8]] = []
            for body in try bodies() {
                seeds.append([2] + body)
                var record = [UInt8](repeating: 0, count: LogRecordHeader.byteCount) + body
                _ = header(of: body, sequence: 7, after: 1).finish(&record)
                seeds.append([0] + record)
            }
            seeds.append([1] + Array(segmentHeader.bytes.prefix(80)))
            return seeds
        }

        /// Bodies of commits, each of less than 256 bytes.
        static func bodies() throws -> [[UInt8]] {
            let item = try ItemCodec.encode(
                SampleItems.small, header: ItemHeader(), excluding: [],
                shapes: FuzzShapes(ownNames: true))
            var (changes, system): ([UInt8], [UInt8]) = ([], [])
            LogBody.appendItem(
                table: 1, key: [7, 8], old: nil, new: item, isExpiry: false, isSilent: false,
                to: &changes)
            LogBody.appendItem(
                table: 1, key: [7, 8], old: item, new: nil, isExpiry: true, isSilent: true,
                to: &changes)
            LogBody.appendSystem(
                .shapes, key: ShapeRegistry.key(3), value: Shape.encode(["a", "d"]), to: &system)
            LogBody.appendSystem(.tokens, key: [1], value: nil, to: &system)
            return [changes, system, changes + system]
        }

        /// The header of a log's first segment.
        private static var segmentHeader: LogSegmentHeader {
            LogSegmentHeader(
                storeID: SampleStore.id, number: 1, incarnation: 1 << 24 | 1, firstSequence: 1,
                previousChecksum: 0, byteCount: 1 << 20, milliseconds: 1_700_000_000_000)
        }

        /// Bodies as an input has them, each with its length before it.
        static func input(_ bodies: [[UInt8]]) -> [UInt8] {
            bodies.flatMap { body -> [UInt8] in [UInt8(clamping: body.count)] + body }
        }

        static func header(
            of body: [UInt8], sequence: UInt64, incarnation: UInt64 = 1, after checksum: UInt32
        ) -> LogRecordHeader {
            LogRecordHeader(
                bodyByteCount: UInt32(body.count), previousChecksum: checksum,
                sequence: sequence, incarnation: incarnation, flushedSequence: 0,
                milliseconds: 1_700_000_000_000)
        }

        static func check(_ bytes: [UInt8]) {
            guard let kind = bytes.first else { return }
            let rest = Array(bytes.dropFirst())
            switch kind & 3 {
            case 0: checkHeader(rest)
            case 1: checkSegmentHeader(rest)
            default: checkBody(rest)
            }
        }

        private static func checkHeader(_ bytes: [UInt8]) {
            guard var header = LogRecordHeader(bytes) else { return }
            if bytes.count >= LogRecordHeader.byteCount + Int(header.bodyByteCount) {
                _ = header.matches(bytes, at: 0)
            }
            var record = bytes
            header.bodyByteCount = UInt32(bytes.count - LogRecordHeader.byteCount)
            header.checksum = header.finish(&record)
            let again = LogRecordHeader(record)
            require(again == header, "a record's header is read as it was written")
            require(header.matches(record, at: 0), "a record has its checksum")
            require(record.count == header.recordByteCount, "a record has its length")
        }

        private static func checkSegmentHeader(_ bytes: [UInt8]) {
            _ = try? LogSegmentHeader(bytes)
            var head = bytes
            while head.count < 80 { head.append(0) }
            head.replaceSubrange(..<8, with: Array("CODEXLOG".utf8))
            LittleEndian.replace(UInt32(1), in: &head, at: 8)
            let checksum = Compression.checksum(head, in: 16..<80, after: 0)
            LittleEndian.replace(checksum, in: &head, at: 12)
            guard let header = try? LogSegmentHeader(head) else { return }
            let again = try? LogSegmentHeader(header.bytes)
            require(again == header, "a segment's header is read as it was written")
        }

        /// Whether the body can be read to its end.
        static func isReadable(_ body: [UInt8]) -> Bool { (try? rewritten(body)) != nil }

        private static func checkBody(_ body: [UInt8]) {
            _ = try? record(body).requireWellFormed(shapeCount: 3)
            guard let once = try? rewritten(body) else { return }
            let twice = mustSucceed("written entries are read") { try rewritten(once) }
            require(twice == once, "entries are read as they were written")
        }

        private static func record(_ body: [UInt8]) -> LogRecord {
            LogRecord(
                header: header(of: body, sequence: 1, after: 0), bytes: body, body: 0..<body.count)
        }

        /// The entries of a body, written again.
        private static func rewritten(_ body: [UInt8]) throws(CodexError) -> [UInt8] {
            var written: [UInt8] = []
            func bytes(_ range: Range<Int>) -> [UInt8] {
                require(
                    range.lowerBound >= 0 && range.upperBound <= body.count,
                    "an entry lies in its record")
                return Array(body[range])
            }
            try LogBody.forEach(record(body)) { entry throws(CodexError) in
                switch entry {
                case .item(let item):
                    LogBody.appendItem(
                        table: item.table, key: bytes(item.key), old: item.old.map(bytes),
                        new: item.new.map(bytes), isExpiry: item.isExpiry,
                        isSilent: item.isSilent, to: &written)
                case .system(let space, let key, let value):
                    LogBody.appendSystem(
                        space, key: bytes(key), value: value.map(bytes), to: &written)
                }
            }
            return written
        }
    }
#endif
