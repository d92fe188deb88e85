/// YCSB's core workloads: what share of the operations is what, and on which records.
///
/// Cooper et al., "Benchmarking Cloud Serving Systems with YCSB" (SoCC 2010), and the property files
/// of its distribution: records of ten fields of 100 bytes; reads have all fields, updates set one.
enum YCSBWorkload: String, CaseIterable, Sendable {
    case a = "A", b = "B", c = "C", d = "D", e = "E", f = "F"

    var title: String {
        switch self {
        case .a: "half reads, half updates"
        case .b: "95 % reads, 5 % updates"
        case .c: "reads"
        case .d: "95 % reads of the latest, 5 % inserts"
        case .e: "95 % short scans, 5 % inserts"
        case .f: "half reads, half read-modify-writes"
        }
    }

    enum Operation { case read, update, insert, scan, readModifyWrite }

    func operation(_ share: Double) -> Operation {
        switch self {
        case .a: share < 0.5 ? .read : .update
        case .b: share < 0.95 ? .read : .update
        case .c: .read
        case .d: share < 0.95 ? .read : .insert
        case .e: share < 0.95 ? .scan : .insert
        case .f: share < 0.5 ? .read : .readModifyWrite
        }
    }

    static let fieldCount = 10
    static let fieldByteCount = 100
    static let scanCountMax = 100
}

/// What draws a workload's operations.
struct YCSBGenerator {
    let workload: YCSBWorkload
    private let zipfian: Zipfian
    /// Whether all records are wanted alike, and not some more than others.
    private let isUniform: Bool
    private var random: SplitMix64
    /// How many records there are.
    private(set) var recordCount: Int

    init(
        _ workload: YCSBWorkload, _ zipfian: Zipfian, isUniform: Bool, recordCount: Int,
        seed: UInt64
    ) {
        self.workload = workload
        self.zipfian = zipfian
        self.isUniform = isUniform
        self.recordCount = recordCount
        random = SplitMix64(seed: seed)
    }

    static func key(_ number: Int) -> String {
        let digits = String(scattered(number))
        return "user" + String(repeating: "0", count: 20 - digits.utf8.count) + digits
    }

    mutating func operation() -> YCSBWorkload.Operation {
        workload.operation(random.fraction())
    }

    /// The key of a record that is there.
    mutating func key() -> String {
        if isUniform { return Self.key(random.below(zipfian.count)) }
        let rank = zipfian.next(&random)
        // The latest are the most wanted; else the wanted ones are scattered over all.
        let number =
            workload == .d
            ? max(0, recordCount - 1 - rank)
            : Int(scattered(rank) % UInt64(zipfian.count))
        return Self.key(number)
    }

    /// The key of a record to come.
    mutating func newKey() -> String {
        defer { recordCount += 1 }
        return Self.key(recordCount)
    }

    mutating func field() -> Int { random.below(YCSBWorkload.fieldCount) }
    mutating func scanCount() -> Int { 1 + random.below(YCSBWorkload.scanCountMax) }

    /// A field's new value: letters and digits.
    mutating func value() -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(YCSBWorkload.fieldByteCount)
        while bytes.count < YCSBWorkload.fieldByteCount {
            var word = random.next()
            for _ in 0..<8 where bytes.count < YCSBWorkload.fieldByteCount {
                bytes.append(UInt8(97 + word % 26))
                word >>= 8
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
