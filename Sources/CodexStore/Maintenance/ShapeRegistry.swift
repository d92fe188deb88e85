internal import CodexCore

/// The interned attribute-name lists, as the writer sees them.
///
/// Kept between transactions.
struct ShapeRegistry {
    private var numbers: [[UInt8]: UInt32] = [:]
    private(set) var count = 0
    private var last: (names: [String], id: UInt32)?

    /// A shape's key in the `shapes` database: its number, big-endian, so that keys ascend.
    static func key(_ id: UInt32) -> [UInt8] {
        BigEndian.bytes(id)
    }

    /// Takes over what other processes added since the last transaction.
    mutating func refresh(_ transaction: Transaction, _ database: DatabaseID) throws(CodexError) {
        let stored = try transaction.statistics(database).entryCount
        if stored < count { self = ShapeRegistry() }
        while count < stored {
            guard let bytes = unsafe try transaction.get(database, Self.key(UInt32(count))) else {
                throw Wire.corrupted("the numbers of shapes have a gap")
            }
            numbers[unsafe Array(bytes)] = UInt32(count)
            count += 1
        }
    }

    /// Forgets what a transaction added that did not commit.
    mutating func truncate(to count: Int) {
        guard count < self.count else { return }
        numbers = numbers.filter { $0.value < count }
        self.count = count
        last = nil
    }

    /// The number of the list, added if there is room and `mayAdd` is set.
    mutating func intern(
        _ names: [String], _ transaction: Transaction, _ database: DatabaseID, mayAdd: Bool
    ) throws(CodexError) -> UInt32? {
        if let last, last.names.count == names.count,
            zip(last.names, names).allSatisfy({ ByteOrder.equal($0, $1) })
        {
            return last.id
        }
        guard names.count <= Limits.shapeAttributeCountMax else { return nil }
        let encoded = Shape.encode(names)
        if let id = numbers[encoded] {
            last = (names, id)
            return id
        }
        guard mayAdd, count < Limits.shapeCountMax, encoded.count <= Limits.shapeByteCountMax else {
            return nil
        }
        let id = UInt32(count)
        try transaction.put(database, Self.key(id), encoded)
        numbers[encoded] = id
        count += 1
        last = (names, id)
        return id
    }
}
