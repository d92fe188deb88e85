internal import CodexCore

/// The interned lists of attribute names, as the writer sees them.
///
/// They are kept between transactions.
struct ShapeRegistry {
    private var numbers: [[UInt8]: UInt32] = [:]
    private(set) var count = 0
    /// The count when the transaction began.
    private var countAtBegin = 0
    /// The shapes that were requested last, in no order: most writes use few shapes.
    private var recent: [(names: [String], id: UInt32)] = []
    private static let recentCountMax = 8

    /// A shape's key in the `shapes` database: its number, big-endian, so that keys ascend.
    static func key(_ id: UInt32) -> [UInt8] {
        BigEndian.bytes(id)
    }

    /// Reads the shapes that other processes added since the last transaction.
    mutating func refresh(_ transaction: Transaction, _ database: DatabaseID) throws(CodexError) {
        let stored = try transaction.statistics(database).entryCount
        if stored < count {
            let begin = countAtBegin
            self = ShapeRegistry()
            countAtBegin = begin
        }
        while count < stored {
            guard let bytes = unsafe try transaction.get(database, Self.key(UInt32(count))) else {
                throw Wire.corrupted("the numbers of shapes have a gap")
            }
            numbers[unsafe Array(bytes)] = UInt32(count)
            count += 1
        }
    }

    /// Begins a transaction: shapes that are interned from now on count as added by it.
    mutating func begin() { countAtBegin = count }

    /// The numbers of the shapes that the transaction added.
    var added: Range<Int> { countAtBegin..<count }

    /// Forgets the shapes that an uncommitted transaction added.
    ///
    /// - Returns: The first number that is free again.
    mutating func rollBack() -> Int {
        guard countAtBegin < count else { return countAtBegin }
        let kept = countAtBegin
        numbers = numbers.filter { $0.value < kept }
        count = kept
        recent = []
        return kept
    }

    /// The number of the list.
    ///
    /// A new list is added if there is room and `mayAdd` is set; otherwise the result is `nil`.
    mutating func intern(
        _ stored: StoredNames, _ transaction: Transaction, _ database: DatabaseID, mayAdd: Bool
    ) throws(CodexError) -> UInt32? {
        for known in recent where stored.match(known.names) { return known.id }
        guard stored.count <= StoreLimits.shapeAttributeCountMax else { return nil }
        let names = stored.array
        let encoded = Shape.encode(names)
        if let id = numbers[encoded] {
            remember(names, id)
            return id
        }
        guard mayAdd, count < StoreLimits.shapeCountMax,
            encoded.count <= StoreLimits.shapeByteCountMax
        else {
            return nil
        }
        let id = UInt32(count)
        try transaction.put(database, Self.key(id), encoded)
        numbers[encoded] = id
        count += 1
        remember(names, id)
        return id
    }

    private mutating func remember(_ names: [String], _ id: UInt32) {
        if recent.count == Self.recentCountMax { recent.removeFirst() }
        recent.append((names, id))
    }
}
