internal import CodexCore

/// A segment of a parallel scan: the items whose partition key belongs to it.
///
/// The segment of a partition depends on the partition's key alone. Each item is therefore in
/// exactly one segment, regardless of writes between two pages and of the source of the start key.
struct Segment: Sendable {
    private let number: Int
    private let count: Int

    init?(_ input: RequestParameters) throws {
        let (number, count) = (try input.integer("Segment"), try input.integer("TotalSegments"))
        guard let count else {
            guard number == nil else {
                throw ServiceError.validation(
                    "The TotalSegments parameter is required but was not present in the request "
                        + "when Segment parameter is present")
            }
            return nil
        }
        guard let number else {
            throw ServiceError.validation(
                "The Segment parameter is required but was not present in the request when "
                    + "parameter TotalSegments is present")
        }
        guard (0..<max(0, count)).contains(number) else {
            throw ServiceError.validation(
                "The Segment parameter is zero-based and must be less than parameter "
                    + "TotalSegments: Segment: \(number) is not less than TotalSegments: "
                    + "\(count)")
        }
        (self.number, self.count) = (number, count)
    }

    /// Checks that a start key belongs to the segment, or ends one of its pages.
    ///
    /// Source of the text: [dynalite] scan.
    func requireStart(_ start: Item?, of table: TableDefinition) throws {
        guard let key = start?[table.partitionKey.name], !admits(key) else { return }
        throw ServiceError.validation(
            "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use "
                + "ExclusiveStartKey with correct Segment. TotalSegments: \(count) Segment: "
                + "\(number)")
    }

    /// Whether an item with this partition key belongs to the segment.
    func includes(_ key: AttributeValue) -> Bool { includes(hash: Self.hash(key)) }

    /// Whether a page of the segment may end after an item with this partition key.
    ///
    /// Items of the segment may end it, and about every 4,096th partition. A page that skips very
    /// many partitions ends after the next one of these.
    func admits(_ key: AttributeValue) -> Bool {
        let hash = Self.hash(key)
        return includes(hash: hash) || hash & 0xFFF == 0
    }

    private func includes(hash: UInt64) -> Bool { Self.number(hash, count) == number }

    /// The number of the segment, of so many, to which a partition key belongs.
    static func number(of key: AttributeValue, count: Int) -> Int { number(hash(key), count) }

    private static func number(_ hash: UInt64, _ count: Int) -> Int {
        Int((hash >> 16) % UInt64(count))
    }

    private static func hash(_ key: AttributeValue) -> UInt64 {
        // FNV-1a gives the same result in each process and at each time.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func add(_ bytes: some Sequence<UInt8>) {
            for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        }
        switch key {
        case .string(let text): add(text.utf8)
        case .number(let number): add(number.description.utf8)
        case .binary(let bytes): add(bytes)
        default: break
        }
        return hash
    }
}
