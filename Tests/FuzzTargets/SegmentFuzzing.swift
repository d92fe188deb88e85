#if DEBUG || FUZZING
    internal import CodexCore
    @testable import CodexStore
    internal import CodexTesting

    extension FuzzTarget {
        /// The files of a log: a segment with any content is inspected.
        static let segments = FuzzTarget(
            "segments", seeds: SegmentFuzzing.seeds, check: SegmentFuzzing.check)
    }

    private enum SegmentFuzzing {
        static func seeds() throws -> [[UInt8]] {
            let bodies = try LogFuzzing.bodies()
            return [
                [0, 0, 0, 1, 2, 3], [0, 0, 16, 255], [0, 1, 0, 0, 0, 0],
                [1] + LogFuzzing.input(bodies), [1, 0, 0, 3, 1, 3, 1],
            ]
        }

        private static let fixture = mustSucceed("a store is made") { try SegmentFixture() }

        static func check(_ bytes: [UInt8]) {
            var input = FuzzInput(bytes)
            if input.byte() & 1 == 0 {
                let offset = Int(input.byte()) << 8 | Int(input.byte())
                checkPatch(at: offset, input.rest)
            } else {
                var bodies: [[UInt8]] = []
                while !input.isAtEnd { bodies.append(input.data()) }
                checkRecords(bodies)
            }
        }

        /// Replaces some bytes of the records.
        private static func checkPatch(at offset: Int, _ patch: [UInt8]) {
            var records = fixture.records
            let start = offset % (records.count + 1)
            for (place, byte) in patch.enumerated() {
                if start + place < records.count {
                    records[start + place] = byte
                } else {
                    records.append(byte)
                }
            }
            let sound = fixture.ends.filter { $0 <= start }.count
            require(
                inspected(records).commitCount >= sound, "the records before a change are read")
        }

        /// All records have the right checksums, and any bodies.
        private static func checkRecords(_ bodies: [[UInt8]]) {
            var (records, checksum): ([UInt8], UInt32) = ([], fixture.previousChecksum)
            for (place, body) in bodies.enumerated() {
                var record = [UInt8](repeating: 0, count: LogRecordHeader.byteCount) + body
                checksum = LogFuzzing.header(
                    of: body, sequence: fixture.firstSequence + UInt64(place),
                    incarnation: fixture.incarnation, after: checksum
                ).finish(&record)
                records += record
            }
            let count = inspected(records).commitCount
            let readable = bodies.prefix { LogFuzzing.isReadable($0) }.count
            require(count >= readable, "the records before a damaged one are read")
            require(count <= bodies.count, "no commit appears")
        }

        private static func inspected(_ records: [UInt8]) -> LogInspection.Segment {
            let inspection = mustSucceed("a log is inspected") {
                try fixture.write(records)
                return try LogInspection(at: fixture.path)
            }
            guard inspection.segments.count == 1 else { fatalError("The log has one segment") }
            let segment = inspection.segments[0]
            let used = segment.usedByteCount - LogSegmentHeader.byteCount
            require(
                segment.byteCount == LogSegmentHeader.byteCount + records.count,
                "a segment has its length")
            require(
                segment.commitCount * LogRecordHeader.byteCount <= used,
                "records do not overlap")
            // The zeros after the last record may be missing.
            require(used < records.count + 8, "records lie in their segment")
            require(
                (segment.times == nil) == (segment.commitCount == 0), "each commit has a time")
            return segment
        }
    }

    /// A store that is closed, whose last segment is overwritten.
    private struct SegmentFixture: Sendable {
        let path: String
        let firstSequence: UInt64
        let incarnation: UInt64
        let previousChecksum: UInt32
        /// The bytes of the records that the store wrote.
        let records: [UInt8]
        /// The offsets of the ends of those records.
        let ends: [Int]
        private let header: [UInt8]
        private let file: File

        init() throws {
            path = try TemporaryStore.makeDirectory() + "/store"
            try Self.makeStore(at: path)
            let directory = try Directory(path)
            let log = try LogDirectory(
                store: directory, id: try Checkpoint(of: directory).storeID)
            let numbers = try log.numbers()
            guard let number = numbers.last, let segment = try log.open(number) else {
                fatalError("The store has no log")
            }
            for other in numbers.dropLast() { log.directory.remove(log.fileName(other)) }
            firstSequence = segment.header.firstSequence
            incarnation = segment.header.incarnation
            previousChecksum = segment.header.previousChecksum
            let used = try LogInspection(at: path).segments.last?.usedByteCount ?? 0
            let bytes = try segment.file.read(at: 0, count: used)
            header = Array(bytes.prefix(LogSegmentHeader.byteCount))
            records = Array(bytes.dropFirst(LogSegmentHeader.byteCount))
            ends = Self.ends(of: records)
            file = try File(log.fileName(number), in: log.directory, .write)
        }

        private static func makeStore(at path: String) throws {
            let table = TableDefinition("t", partitionKey: KeyAttribute("id"))
            var options = StoreOptions(durability: .none)
            options.mapByteCount = 1 << 30
            options.sweepInterval = nil
            let store = try Store(at: path, schema: Schema(tables: [table]), options: options)
            for number in 0..<4 {
                try waiting { _ = try await store.put(["id": .string("\(number)")], in: "t") }
            }
            store.close()
        }

        private static func ends(of records: [UInt8]) -> [Int] {
            var ends: [Int] = []
            var position = 0
            while let header = LogRecordHeader(records, at: position) {
                position += header.recordByteCount
                guard position <= records.count else { break }
                ends.append(position)
            }
            return ends
        }

        /// Writes the segment: its own header, and these records.
        func write(_ records: [UInt8]) throws {
            let content = header + records
            try file.write(content, at: 0)
            try file.setByteCount(content.count)
        }
    }
#endif
