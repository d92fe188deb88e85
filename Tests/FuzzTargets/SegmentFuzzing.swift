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
                [1] + bodies.flatMap { [UInt8($0.count)] + $0 }, [1, 0, 0, 3, 1, 3, 1],
            ]
        }

        /// A store that is closed, whose last segment is written over.
        private struct Fixture: Sendable {
            let path: String
            let file: File
            let header: LogSegmentHeader
            /// The header's bytes and those of the records.
            let bytes: [UInt8]

            init() throws {
                path = try TemporaryStore.makeDirectory() + "/store"
                let table = TableDefinition("t", partitionKey: KeyAttribute("id"))
                var options = StoreOptions(durability: .none)
                options.mapByteCount = 1 << 30
                options.sweepInterval = nil
                let store = try Store(
                    at: path, schema: Schema(tables: [table]), options: options)
                for number in 0..<4 {
                    try waiting { _ = try await store.put(["id": .string("\(number)")], in: "t") }
                }
                store.close()
                let checkpoint = try Checkpoint(of: Directory(path))
                let log = try LogDirectory(store: Directory(path), id: checkpoint.storeID)
                guard let number = try log.numbers().last, let segment = try log.open(number) else {
                    fatalError("The store has no log")
                }
                header = segment.header
                let used = try LogInspection(at: path).segments.last?.usedByteCount ?? 0
                bytes = try segment.file.read(at: 0, count: used)
                segment.file.close()
                for other in try log.numbers().dropLast() {
                    log.directory.remove(log.fileName(other))
                }
                file = try File(log.fileName(number), in: log.directory, .write)
            }

            /// Writes the segment: its own header, and these records.
            func write(_ records: [UInt8]) throws {
                let content = bytes.prefix(LogSegmentHeader.byteCount) + records
                try file.write(Array(content), at: 0)
                try file.setByteCount(content.count)
            }
        }

        private static let fixture = mustSucceed("a store is made") { try Fixture() }

        static func check(_ bytes: [UInt8]) {
            var input = FuzzInput(bytes)
            if input.byte() & 1 == 0 {
                checkPatch(at: Int(input.byte()) << 8 | Int(input.byte()), input.rest)
            } else {
                var bodies: [[UInt8]] = []
                while !input.isAtEnd { bodies.append(input.data()) }
                checkRecords(bodies)
            }
        }

        /// Some bytes of the records are others.
        private static func checkPatch(at offset: Int, _ patch: [UInt8]) {
            var records = Array(fixture.bytes.dropFirst(LogSegmentHeader.byteCount))
            let count = inspected(records).commitCount
            for (place, byte) in patch.enumerated() {
                let position = offset % (records.count + 1) + place
                if position < records.count {
                    records[position] = byte
                } else {
                    records.append(byte)
                }
            }
            require(inspected(records).commitCount <= count + 1, "no commit appears")
        }

        /// All records have the right checksums, and any bodies.
        private static func checkRecords(_ bodies: [[UInt8]]) {
            let header = fixture.header
            var (records, checksum): ([UInt8], UInt32) = ([], header.previousChecksum)
            for (place, body) in bodies.enumerated() {
                var record = [UInt8](repeating: 0, count: LogRecordHeader.byteCount) + body
                checksum = LogFuzzing.header(
                    of: body, sequence: header.firstSequence + UInt64(place),
                    incarnation: header.incarnation, after: checksum
                ).finish(&record)
                records += record
            }
            let readable = bodies.prefix { LogFuzzing.isReadable($0) }.count
            require(
                inspected(records).commitCount == min(readable + 1, bodies.count),
                "the records are read up to the first that is damaged")
        }

        private static func inspected(_ records: [UInt8]) -> LogInspection.Segment {
            let inspection = mustSucceed("a log is inspected") {
                try fixture.write(records)
                return try LogInspection(at: fixture.path)
            }
            guard inspection.segments.count == 1 else { fatalError("The log has one segment") }
            return inspection.segments[0]
        }
    }
#endif
