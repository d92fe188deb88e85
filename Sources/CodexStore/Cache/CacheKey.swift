internal import CodexCore

/// The request that a cached value answers.
struct CacheKey {
    enum Request: Hashable {
        case key(PrimaryKey)
        case lookup(LookupTarget)
        case list(TableQuery, limit: Int?)
    }

    /// The entity's type.
    let type: ObjectIdentifier
    let request: Request
    /// The partition that is queried; `nil` for a lookup by the primary key.
    let partition: CachePartition?
    /// The key of the value in its stripe, which has one value for a hash.
    ///
    /// Lookups compare the whole key as well, so that equal hashes are not confused.
    let hash: Int
    /// Selects the stripe: lists use the partition's hash, so that a change need not search all
    /// stripes.
    let stripeHash: Int

    /// The key of a lookup by the primary key.
    init(_ type: ObjectIdentifier, _ key: PrimaryKey) {
        self.type = type
        request = .key(key)
        partition = nil
        hash = Self.hash(type, key)
        stripeHash = hash
    }

    /// The key of a value that is found in a partition.
    init(_ type: ObjectIdentifier, _ request: Request, in partition: CachePartition) {
        self.type = type
        self.request = request
        self.partition = partition
        var hasher = Hasher()
        hasher.combine(type)
        hasher.combine(partition)
        hasher.combine(request)
        hash = hasher.finalize()
        stripeHash = partition.hashValue
    }

    func isSame(as other: CacheKey) -> Bool { type == other.type && request == other.request }

    /// The hash of a lookup by the primary key: of the UTF-8 bytes of its strings.
    ///
    /// It folds words by full-width multiplications, as wyhash does, from a seed of this process.
    /// Keys with equal hashes evict each other, and have no other effect.
    @inline(__always)
    static func hash(_ type: ObjectIdentifier, _ key: PrimaryKey) -> Int {
        let start = fold(seed ^ UInt64(truncatingIfNeeded: type.hashValue), multiplier)
        var hash = combine(key.partition, start)
        if let sort = key.sort { hash = combine(sort, hash) }
        return Int(truncatingIfNeeded: hash)
    }

    private static let seed = UInt64.random(in: .min ... .max)
    private static let multiplier: UInt64 = 0x9E37_79B9_7F4A_7C15

    @inline(__always)
    private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    @inline(__always)
    private static func combine(_ value: AttributeValue, _ hash: UInt64) -> UInt64 {
        guard case .string(var text) = value else {
            return fold(hash ^ UInt64(truncatingIfNeeded: value.hashValue), multiplier)
        }
        return text.withUTF8 { bytes in
            var hash = hash ^ UInt64(bytes.count)
            var place = 0
            while place + 8 <= bytes.count {
                let word = unsafe UnsafeRawBufferPointer(bytes).loadUnaligned(
                    fromByteOffset: place, as: UInt64.self)
                hash = fold(hash ^ word, multiplier)
                place += 8
            }
            var rest: UInt64 = 0
            while place < bytes.count {
                rest = rest << 8 | UInt64(unsafe bytes[place])
                place += 1
            }
            return fold(hash ^ rest, multiplier)
        }
    }
}

/// A partition of a table or index: a change in it changes the outcome of its queries.
struct CachePartition: Hashable {
    let table: String
    /// `nil` is the table itself.
    let index: String?
    let values: [AttributeValue]
}
