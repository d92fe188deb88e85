#if DEBUG || FUZZING
    internal import CodexCore
    @testable import CodexStore

    extension FuzzTarget {
        /// A leader's records: put together from pieces of any size, and refused if damaged.
        static let leaderRecords = FuzzTarget(
            "leader-records", words: ["CODEXREC"], seeds: LeaderRecordFuzzing.seeds,
            check: LeaderRecordFuzzing.check)
    }

    private enum LeaderRecordFuzzing {
        static func seeds() throws -> [[UInt8]] {
            let bodies = try LogFuzzing.bodies()
            var seeds: [[UInt8]] = []
            for body in bodies { seeds.append([0, 50] + stream([body])) }
            seeds.append([0, 7] + stream(bodies))
            seeds.append([1, 64] + LogFuzzing.input(bodies))
            return seeds
        }

        /// Records of bodies, one after another.
        private static func stream(_ bodies: [[UInt8]]) -> [UInt8] {
            var (bytes, checksum): ([UInt8], UInt32) = ([], 0)
            for (place, body) in bodies.enumerated() {
                var record = [UInt8](repeating: 0, count: LogRecordHeader.byteCount) + body
                checksum = LogFuzzing.header(
                    of: body, sequence: UInt64(place + 1), after: checksum
                ).finish(&record)
                guard let header = LogRecordHeader(record) else { continue }
                let range = LogRecordHeader.byteCount..<LogRecordHeader.byteCount + body.count
                LeaderRecord.append(
                    LogRecord(header: header, bytes: record, body: range), of: SampleStore.id,
                    lastSequence: UInt64(bodies.count), to: &bytes)
            }
            return bytes
        }

        static func check(_ bytes: [UInt8]) {
            var input = FuzzInput(bytes)
            let isRaw = input.byte() & 1 == 0
            let pieceByteCount = input.below(256) + 1
            if isRaw {
                checkStream(input.rest, pieceByteCount)
                return
            }
            var bodies: [[UInt8]] = []
            while !input.isAtEnd { bodies.append(input.data()) }
            let records = checkStream(stream(bodies), pieceByteCount)
            require(
                records.map { Array($0.record.bytes[$0.record.body]) } == bodies,
                "the records of a stream are read")
        }

        /// Reads a stream as a whole and in pieces: the records are the same.
        @discardableResult
        private static func checkStream(
            _ stream: [UInt8], _ pieceByteCount: Int
        ) -> [LeaderRecord] {
            let whole = records(of: [stream])
            let pieces = stride(from: 0, to: stream.count, by: pieceByteCount).map {
                Array(stream[$0..<min($0 + pieceByteCount, stream.count)])
            }
            let (one, other) = (written(whole), written(records(of: pieces)))
            require(one == other, "pieces give the records of the whole")
            for record in whole { _ = try? record.record.requireWellFormed(shapeCount: 3) }
            return whole
        }

        /// The records up to the first that is damaged.
        private static func records(of pieces: [[UInt8]]) -> [LeaderRecord] {
            var (decoder, records): (RecordDecoder, [LeaderRecord]) = (RecordDecoder(), [])
            for piece in pieces {
                decoder.append(piece)
                do throws(CodexError) {
                    while let record = try decoder.next() { records.append(record) }
                } catch {
                    return records
                }
            }
            return records
        }

        private static func written(_ records: [LeaderRecord]) -> [UInt8] {
            var bytes: [UInt8] = []
            for record in records {
                LeaderRecord.append(
                    record.record, of: record.storeID, lastSequence: record.lastSequence,
                    to: &bytes)
            }
            return bytes
        }
    }
#endif
