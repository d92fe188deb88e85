import CodexCore
import CodexStore
import CodexTesting
import TestSupport
import Testing

/// Parts of a table that are scanned beside each other.
@Suite("Segments of scans")
struct ScanSegmentTests {
    private let temporary: TemporaryStore
    private var store: Store { temporary.store }

    init() throws { temporary = try TemporaryStore(schema: SampleTable.schema(sort: .number)) }

    @Test("Segments are as many as asked for, or fewer, and divide evenly")
    func segments() async throws {
        #expect(try store.segments(of: "samples", count: 4).count == 1)
        try await store.write { transaction in
            for number in 0..<4000 {
                try transaction.put(
                    ["partition": .string("p\(number % 400)"), "sort": .number(Number(number))],
                    in: "samples")
            }
        }
        for count in [1, 2, 7, 16] {
            let segments = try store.segments(of: "samples", count: count)
            let counts = try segments.map {
                try store.count(TableScan(table: "samples", segment: $0)).count
            }
            #expect(counts.reduce(0, +) == 4000)
            #expect(segments.count == count)
            #expect(counts.allSatisfy { $0 < 4000 / count * 2 }, "\(counts)")
        }
        for count in [0, 1001] {
            #expect(throws: CodexError(.invalidArgument, "")) {
                try store.segments(of: "samples", count: count)
            }
        }
    }
}
