internal import CodexCore

/// The interned lists of attribute names, as the writer sees them.
///
/// They are kept between transactions.
struct ShapeRegistry {
    /// The numbers of the shapes, ascending, by their encoded names. Items get the last one.
    private var numbers: [[UInt8]: [UInt32]] = [:]
    /// The rules that are being proven, by the numbers of their shapes.
    private var trials: [UInt32: RuleTrial] = [:]
    private(set) var count = 0
    /// The count when the transaction began.
    private var countAtBegin = 0
    /// The shapes that were requested last, in no order: most writes use few shapes.
    private var recent: [(names: [String], id: UInt32)] = []
    private static let recentCountMax = 8
    /// Most shapes with the same names: the first has no rules.
    private static let versionCountMax = 5
    /// The number of shapes from which no more rules are added, so that names have room.
    private static let ruledCountMax = StoreLimits.shapeCountMax / 2
    private static let trialCountMax = 1024

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
        if count < stored { recent = [] }
        while count < stored {
            guard let bytes = unsafe try transaction.get(database, Self.key(UInt32(count))) else {
                throw Wire.corrupted("the numbers of shapes have a gap")
            }
            let encoded = unsafe Array(bytes)
            // A damaged shape is found by the reads of its items.
            let byteCount = (try? Shape.namesByteCount(encoded.span)) ?? encoded.count
            numbers[Array(encoded.prefix(byteCount)), default: []].append(UInt32(count))
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
        numbers = numbers.compactMapValues { ids in
            let known = ids.filter { $0 < kept }
            return known.isEmpty ? nil : known
        }
        count = kept
        recent = []
        trials = [:]
        return kept
    }

    /// The number of the list; the last one, if shapes with other rules have the same names.
    ///
    /// A new list is added if there is room and `mayAdd` is set; otherwise the result is `nil`.
    mutating func intern(
        _ stored: StoredNames, _ transaction: Transaction, _ database: DatabaseID, mayAdd: Bool
    ) throws(CodexError) -> UInt32? {
        for known in recent where stored.match(known.names) { return known.id }
        guard stored.count <= StoreLimits.shapeAttributeCountMax else { return nil }
        let names = stored.array
        let encoded = Shape.encode(names)
        if let id = numbers[encoded]?.last {
            remember(names, id)
            return id
        }
        guard mayAdd, count < StoreLimits.shapeCountMax,
            encoded.count <= StoreLimits.shapeByteCountMax
        else {
            return nil
        }
        return try add(names, encoded, under: encoded, transaction, database)
    }

    private mutating func add(
        _ names: [String], _ shape: [UInt8], under encodedNames: [UInt8],
        _ transaction: Transaction, _ database: DatabaseID
    ) throws(CodexError) -> UInt32 {
        let id = UInt32(count)
        try transaction.put(database, Self.key(id), shape)
        numbers[encodedNames, default: []].append(id)
        count += 1
        remember(names, id)
        return id
    }

    // MARK: Rules

    /// The rules that a new shape is to have, if the rules of an item's shape do not give all texts
    /// and others are proven now.
    ///
    /// - Returns: All rules of the new shape; `nil` if there is nothing new.
    mutating func learnRules(_ shape: Shape, _ texts: ItemTexts) -> [TextRule]? {
        guard count < Self.ruledCountMax else { return nil }
        if trials.count >= Self.trialCountMax, trials[shape.id] == nil { trials = [:] }
        return trials[shape.id, default: RuleTrial()].next(shape, texts)
    }

    /// Adds a shape with rules, which items with its names get from now on.
    ///
    /// - Returns: Its number; `nil` if these names have as many shapes as they may have, or if the
    ///   shape would be too large.
    mutating func add(
        _ names: [String], _ rules: [TextRule], _ transaction: Transaction, _ database: DatabaseID
    ) throws(CodexError) -> UInt32? {
        let encodedNames = Shape.encode(names)
        let encoded = Shape.encode(names, rules: rules)
        guard let versions = numbers[encodedNames], versions.count < Self.versionCountMax,
            encoded.count <= StoreLimits.shapeByteCountMax
        else { return nil }
        recent.removeAll { versions.contains($0.id) }
        return try add(names, encoded, under: encodedNames, transaction, database)
    }

    private mutating func remember(_ names: [String], _ id: UInt32) {
        if recent.count == Self.recentCountMax { recent.removeFirst() }
        recent.append((names, id))
    }
}
