internal import CodexCore
internal import CodexStore

/// The queries of a page, or its scan, and the capacity of reading them.
///
/// Only a statement has several queries. They are read one after the other, and each of them counts
/// by itself.
struct PageSources {
    /// The source of some items.
    enum Source: Sendable {
        case query(TableQuery)
        case scan(TableScan, Segment?)

        /// Whether a request may start after an item of a table.
        func canStart(after item: Item, of table: TableDefinition) -> Bool {
            guard case .scan(_, let segment?) = self, let key = item[table.partitionKey.name]
            else { return true }
            return segment.admits(key)
        }
    }

    private let sources: [Source]
    /// The place of the source that is read.
    private(set) var place: Int
    /// The bytes of each source that was read before the present one.
    private var byteCounts: [Int] = []
    /// The bytes of all items that were read from the table, beside entries of an index.
    private(set) var fetchedByteCount = 0
    /// The bytes of each of these items.
    private var fetchedByteCounts: [Int] = []

    /// Creates sources that are read from a place on.
    init(_ sources: [Source], from place: Int = 0) {
        (self.sources, self.place) = (sources, place)
    }

    static func query(_ query: TableQuery) -> PageSources { PageSources([.query(query)]) }

    static func scan(_ scan: TableScan, _ segment: Segment?) -> PageSources {
        PageSources([.scan(scan, segment)])
    }

    /// The source that is read; `nil` for a statement whose conditions exclude each other.
    var current: Source? { sources.indices.contains(place) ? sources[place] : nil }

    /// Continues with the next source; `false` if there is none.
    ///
    /// - Parameter byteCount: The bytes of the page so far.
    /// - Returns: Whether there is another source.
    mutating func startNext(after byteCount: Int) -> Bool {
        guard place + 1 < sources.count else { return false }
        byteCounts.append(byteCount - byteCounts.reduce(0, +))
        place += 1
        return true
    }

    /// Counts an item that was read from the table, beside an entry of an index.
    mutating func addFetched(byteCount: Int) {
        fetchedByteCount += byteCount
        fetchedByteCounts.append(byteCount)
    }

    /// The units of the sources, and those of the items that were read beside them.
    ///
    /// - Parameters:
    ///   - byteCount: The bytes of the page.
    ///   - isConsistent: Whether the reads are consistent.
    /// - Returns: The units.
    func units(byteCount: Int, isConsistent: Bool) -> (source: Double, fetched: Double) {
        func sum(_ byteCounts: [Int]) -> Double {
            byteCounts.reduce(0) { $0 + Capacity.read(byteCount: $1, isConsistent: isConsistent) }
        }
        let rest = byteCount - byteCounts.reduce(0, +)
        return (sum(byteCounts + [rest]), sum(fetchedByteCounts))
    }
}
