import CodexCore
import CodexTesting
import Dispatch
import Synchronization
import TestSupport
import Testing

@testable import CodexStore

/// Writes that are committed together, and how large their record gets.
@Suite("Groups of writes", .timeLimit(.minutes(30)))
struct CommitGroupTests {
    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    init() throws {
        // Nothing here is about power cuts.
        temporary = try TemporaryStore(
            schema: SampleTable.schema(), options: StoreOptions(durability: .none))
    }

    private typealias Body = @Sendable (inout WriteTransaction) throws -> Void

    /// Runs bodies that all wait before the first of them runs.
    private func together(_ bodies: [Body]) throws {
        let (entered, release) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let answers = DispatchSemaphore(value: 0)
        let failures = Mutex<[String]>([])
        let writer = try store.requireWriter()
        func job(_ body: @escaping Body) -> WriteJob {
            ClosureJob<Void>(body) { result in
                if case .failure(let error) = result {
                    failures.withLock { $0.append("\(error)") }
                }
                answers.signal()
            }
        }
        try writer.add(
            job { _ in
                entered.signal()
                release.wait()
            })
        entered.wait()
        for body in bodies { try writer.add(job(body)) }
        release.signal()
        for _ in 0...bodies.count { answers.wait() }
        #expect(failures.withLock { $0 } == [])
    }

    @Test("A write joins a commit whose record is below the limit", arguments: [-1, 0, 1])
    func limit(difference: Int) throws {
        let full = StoreLimits.commitGroupByteCountMax + difference
        // An entry has three bytes before its key, and four for the length of such a value.
        let key: [UInt8] = [9, 9, 9, 9]
        let value = [UInt8](
            repeating: 1, count: full - LogRecordHeader.byteCount - 3 - key.count - 4)
        let counts = Mutex<[Int]>([])
        try together([
            { transaction in
                try transaction.context.setSystem(.consumers, key, value)
                let count = transaction.context.record.byteCount
                counts.withLock { $0.append(count) }
            },
            { transaction in
                let count = transaction.context.record.byteCount
                counts.withLock { $0.append(count) }
            },
        ])
        let second = difference < 0 ? full : LogRecordHeader.byteCount
        #expect(counts.withLock { $0 } == [full, second])
    }

    /// Random bytes, which do not compress.
    private static func filler(_ byteCount: Int, _ seed: UInt64) -> AttributeValue {
        var random = SplitMix(seed: seed)
        return .binary((0..<byteCount).map { _ in UInt8.random(in: 0...255, using: &random) })
    }

    /// The bytes of the records after a commit, as a cursor says before it reads them.
    private func recordByteCounts(after position: LogPosition) throws -> [Int] {
        var cursor = LogCursor(store.core.logDirectory, after: position)
        var counts: [Int] = []
        while let count = try cursor.nextByteCount() {
            let next = try cursor.next()
            let record = try #require(next)
            #expect(record.header.recordByteCount == count)
            counts.append(count)
        }
        let end = try cursor.next()
        #expect(end == nil)
        return counts
    }

    @Test("No record of a group is larger than the limit and one write")
    func many() throws {
        let start = try store.core.appliedState().position
        let values = (0..<3).map { Self.filler(390_000, UInt64($0)) }
        try together(
            (0..<40).map { number -> Body in
                { transaction in
                    for (place, value) in values.enumerated() {
                        let item: Item = [
                            "partition": .string("\(number).\(place)"), "content": value,
                        ]
                        try transaction.put(item, in: "samples")
                    }
                }
            })
        let counts = try recordByteCounts(after: start)
        #expect(counts.count == 3, "\(counts)")
        #expect(
            counts.allSatisfy { $0 < StoreLimits.commitGroupByteCountMax + 1_300_000 }, "\(counts)")
        #expect(try store.count(TableScan(table: "samples")).count == 120)
        #expect(try store.verify().isSound)
    }

    @Test("A write that is answered keeps its result no longer, though others still wait")
    func results() throws {
        let count = LiveCount()
        let job = ClosureJob<CountedValue>({ _ in CountedValue(count) }, answer: { _ in })
        try store.write { transaction in try job.run(transaction.context) }
        #expect(count.value == 1)
        job.finish(.success(()))
        #expect(count.value == 0)
        withExtendedLifetime(job) {}
    }

    // MARK: Pages of changes

    @Test("A page of changes reads no more of the log than is said before")
    func pages() throws {
        var cursor = try store.changePage(after: .latest, limit: 1).cursor
        // 1.2 MB each, and one of 6 MB.
        for (number, itemCount) in [3, 3, 3, 15, 3].enumerated() {
            try store.write { transaction in
                for place in 0..<itemCount {
                    let value = Self.filler(390_000, UInt64(number * 100 + place))
                    let item: Item = ["partition": .string("\(number).\(place)"), "content": value]
                    try transaction.put(item, in: "samples")
                }
            }
        }
        var commitCounts: [Int] = []
        var isAtEnd = false
        while !isAtEnd {
            let byteCountMax = try store.changePageByteCountMax(after: cursor)
            let page = try store.changePage(after: cursor, limit: .max)
            let headers = Dictionary(
                page.changes.map { ($0.commit.header.sequence, $0.commit.header) }
            ) { $1 }
            let byteCount = headers.values.reduce(0) { $0 + $1.recordByteCount }
            #expect(byteCount <= byteCountMax)
            #expect(byteCountMax < 6_500_000)
            commitCounts.append(headers.count)
            (cursor, isAtEnd) = (page.cursor, page.isAtEnd)
        }
        #expect(commitCounts == [3, 1, 1])
    }
}
